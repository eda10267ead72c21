import { useState } from 'preact/hooks';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { Logo } from '../parts/Logo';
import { ThemeToggle } from '../parts/ThemeToggle';
import { isShort, PASSWORD_RULE, SHORT } from './password';

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

// The server's rule, so that most mistakes are found without a request. The server also refuses
// names that mix scripts.
const USERNAME = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._-]{1,31}$/u;
const USERNAME_RULE =
  'Use 2 to 32 letters of one script, digits, dots, dashes or underscores. Begin with a letter or a digit.';

function Login() {
  const { auth } = useApp();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const form = useForm({
    names: ['username', 'password'],
    check: () => [
      ...wrongIf(!username.trim(), 'username', 'Enter your username.'),
      ...wrongIf(!password, 'password', 'Enter your password.'),
    ],
    send: () => auth.login(username.trim(), password),
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
      <Field
        label="Username"
        {...form.field('username')}
        value={username}
        onInput={setUsername}
        autoComplete="username"
        plain
      />
      <Field
        label="Password"
        {...form.field('password')}
        type="password"
        value={password}
        onInput={setPassword}
        autoComplete="current-password"
      />
    </FormCard>
  );
}

function Signup() {
  const { auth } = useApp();
  const [username, setUsername] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const form = useForm({
    names: ['username', 'display_name', 'password'],
    check: () => [
      ...wrongIf(!username.trim(), 'username', 'Choose a username.'),
      ...wrongIf(!USERNAME.test(username.trim().normalize('NFKC')), 'username', USERNAME_RULE),
      ...wrongIf(!password, 'password', 'Choose a password.'),
      ...wrongIf(isShort(password), 'password', SHORT),
    ],
    send: () => auth.signup(username.trim(), password, displayName.trim()),
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
      <Field
        label="Username"
        {...form.field('username')}
        value={username}
        onInput={setUsername}
        hint="2 to 32 letters of one script, digits, dots, dashes or underscores. Kept in lower case."
        autoComplete="username"
        plain
      />
      <Field
        label="Display name"
        {...form.field('display_name')}
        value={displayName}
        onInput={setDisplayName}
        autoComplete="name"
        optional
      />
      <Field
        label="Password"
        {...form.field('password')}
        type="password"
        value={password}
        onInput={setPassword}
        hint={PASSWORD_RULE}
        autoComplete="new-password"
      />
    </FormCard>
  );
}
