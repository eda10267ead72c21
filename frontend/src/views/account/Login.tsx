import type { ComponentChildren } from 'preact';
import { nameIn } from '../../browser/text';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { PasswordField } from './PasswordField';

/** What is said to newcomers below the log-in, by who may sign up. */
const NEW_HERE = {
  open: (
    <>
      New here? <a href="#/signup">Create an account</a>
    </>
  ),
  invite: 'New here? Open the link of your invitation.',
  closed: null,
};

interface LoginProps {
  title?: string;
  /** What is said below it instead of what newcomers are told. */
  foot?: ComponentChildren;
  /** The user is logged in. */
  onDone?(): Promise<void>;
}

export function Login({ title = 'Log in', foot, onDone }: LoginProps) {
  const { about, auth } = useApp();
  const form = useForm({
    names: ['username', 'password'],
    check: ({ username, password }) => [
      ...wrongIf(!nameIn(username), 'username', 'Enter your username.'),
      ...wrongIf(!password, 'password', 'Enter your password.'),
    ],
    send: ({ username, password }) => {
      const done = auth.login(nameIn(username), password);
      return onDone ? done.then(onDone) : done;
    },
  });
  return (
    <FormCard
      form={form}
      send="Log in"
      sending="Logging in…"
      wide
      labelledBy="auth-title"
      foot={foot ?? (about.server.value && NEW_HERE[about.server.value.signup])}
    >
      <h1 id="auth-title">{title}</h1>
      <Field label="Username" {...form.field('username')} autoComplete="username" plain />
      <PasswordField label="Password" {...form.field('password')} />
    </FormCard>
  );
}
