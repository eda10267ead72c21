import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { Logo } from '../parts/Logo';
import { ThemeToggle } from '../parts/ThemeToggle';
import { NEW_ACCOUNT, NewAccountFields, newAccountErrors } from './NewAccount';
import { PasswordField } from './PasswordField';

export function AuthScreen() {
  const { router, auth } = useApp();
  const signup = router.route.value.name === 'signup';
  const state = auth.state.value;
  const notice = state.phase === 'signed_out' ? state.notice : null;
  return (
    <div class="auth">
      <header class="auth-promise">
        <Logo size={44} />
        <p class="auth-name">Tailwire</p>
        <p class="auth-claim">Messages that arrive once, in order, and stay.</p>
        <p class="auth-detail">
          A messaging server you run yourself. Lose the network, close the lid, come back: you get
          exactly what you missed.
        </p>
        <svg class="auth-wire" viewBox="0 0 480 120" aria-hidden="true" preserveAspectRatio="none">
          <path d="M0 84h96c34 0 40-18 52-40 10-18 18-26 30-26s20 8 30 26c12 22 18 40 52 40h220" />
        </svg>
      </header>
      <main class="auth-main">
        <div class="auth-corner">
          <ThemeToggle />
        </div>
        <div class="auth-card">
          {notice && (
            <p class="callout" role="status">
              {notice}
            </p>
          )}
          {signup ? <Signup key="signup" /> : <Login key="login" />}
        </div>
      </main>
    </div>
  );
}

function Login() {
  const { auth } = useApp();
  const form = useForm({
    names: ['username', 'password'],
    check: ({ username, password }) => [
      ...wrongIf(!username.trim(), 'username', 'Enter your username.'),
      ...wrongIf(!password, 'password', 'Enter your password.'),
    ],
    send: ({ username, password }) => auth.login(username.trim(), password),
  });
  return (
    <FormCard
      form={form}
      send="Log in"
      sending="Logging in…"
      wide
      labelledBy="auth-title"
      foot={
        <>
          New here? <a href="#/signup">Create an account</a>
        </>
      }
    >
      <h1 id="auth-title">Log in</h1>
      <Field label="Username" {...form.field('username')} autoComplete="username" plain />
      <PasswordField label="Password" {...form.field('password')} />
    </FormCard>
  );
}

function Signup() {
  const { auth } = useApp();
  const form = useForm({
    names: NEW_ACCOUNT,
    check: newAccountErrors,
    send: ({ username, display_name, password }) =>
      auth.signup(username.trim(), password, display_name.trim()),
  });
  return (
    <FormCard
      form={form}
      send="Create account"
      sending="Creating…"
      wide
      labelledBy="auth-title"
      foot={
        <>
          Have an account? <a href="#/">Log in</a>
        </>
      }
    >
      <h1 id="auth-title">Create an account</h1>
      <NewAccountFields form={form} />
    </FormCard>
  );
}
