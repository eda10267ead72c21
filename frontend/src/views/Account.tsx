import { useState } from 'preact/hooks';
import type { PublicUser } from '../protocol';
import type { ThemeChoice } from '../theme';
import { FormError } from './AuthScreen';
import { Avatar } from './Avatar';
import { useApp } from './context';
import { Dialog } from './Dialog';
import { Field } from './Field';
import { useForm } from './form';
import { Icon } from './Icon';

const THEMES: { value: ThemeChoice; label: string }[] = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export function Account({ user, onClose }: { user: PublicUser; onClose(): void }) {
  const { auth, theme, logout } = useApp();
  const [name, setName] = useState(user.display_name);
  const form = useForm({
    names: ['display_name'],
    check: () => (name.trim() ? [] : [{ loc: 'display_name', message: 'Enter a name.' }]),
    send: async () => {
      if (name.trim() !== user.display_name) await auth.rename(name.trim());
      onClose();
    },
  });
  return (
    <Dialog title="Your account" onClose={onClose}>
      <div class="account-who">
        <Avatar username={user.username} />
        <p>
          Signed in as <strong>@{user.username}</strong>
        </p>
      </div>
      <form class="form" onInput={form.input} onSubmit={form.submit} noValidate>
        <Field
          label="Display name"
          name="display_name"
          value={name}
          onInput={setName}
          error={form.fieldError('display_name')}
          autoComplete="name"
        />
        <FormError text={form.error} />
        <div class="form-actions">
          <button type="submit" class="button primary" disabled={form.busy || form.waiting}>
            {form.busy ? 'Saving…' : 'Save name'}
          </button>
        </div>
      </form>
      <fieldset class="segments">
        <legend>Theme</legend>
        <div class="segment-row">
          {THEMES.map(({ value, label }) => (
            <label key={value}>
              <input
                type="radio"
                name="theme"
                checked={theme.choice.value === value}
                onChange={() => {
                  theme.choice.value = value;
                }}
              />
              <span>{label}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <button type="button" class="button wide" onClick={logout}>
        <Icon name="leave" size={18} />
        Log out
      </button>
    </Dialog>
  );
}
