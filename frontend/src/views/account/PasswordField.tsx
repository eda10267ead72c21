import { Field } from '../parts/Field';

interface PasswordFieldProps {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string;
  /** The password is chosen here, so a password manager offers to make and keep one. */
  isNew?: boolean;
}

export function PasswordField({ isNew, ...field }: PasswordFieldProps) {
  return (
    <Field {...field} type="password" autoComplete={isNew ? 'new-password' : 'current-password'} />
  );
}
