import { useId } from 'preact/hooks';

interface SelectFieldProps {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string;
  /** The value that is chosen at first. */
  initial: string;
  options: readonly { value: string; title: string }[];
}

/** A field of a form in which one of several values is chosen. */
export function SelectField({ label, name, error, hint, initial, options }: SelectFieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class={error ? 'field invalid' : 'field'}>
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      >
        {options.map(({ value, title }) => (
          <option key={value} value={value} selected={value === initial}>
            {title}
          </option>
        ))}
      </select>
      {note && (
        <p class={error ? 'field-error' : 'field-hint'} id={`${id}-note`}>
          {note}
        </p>
      )}
    </div>
  );
}
