import { useId } from 'preact/hooks';

interface TextFieldProps {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string;
  optional?: boolean;
}

/** A field for some lines of text, with its label, hint and error. */
export function TextField({ label, name, error, hint, optional = false }: TextFieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div class={error ? 'field invalid' : 'field'}>
      <label for={id}>
        {label}
        {optional && <span class="optional"> optional</span>}
      </label>
      <textarea
        id={id}
        name={name}
        rows={3}
        dir="auto"
        required={!optional}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      />
      {note && (
        <p class={error ? 'field-error' : 'field-hint'} id={`${id}-note`}>
          {note}
        </p>
      )}
    </div>
  );
}
