import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  name: string;
  /** What the field holds at first. From then on the element keeps its value itself. */
  initial?: string;
  onInput?(value: string): void;
  type?: 'text' | 'password';
  error?: string | undefined;
  hint?: ComponentChildren;
  autoComplete?: string;
  maxLength?: number;
  minLength?: number;
  optional?: boolean;
  plain?: boolean;
  /** Suggestions that are shown while the user types. */
  suggestions?: readonly { value: string; label: string }[];
}

/**
 * An input with its label, hint and error. Screen readers read the hint and the error with the
 * input.
 */
export function Field(props: FieldProps) {
  const id = useId();
  const described = props.error ? `${id}-error` : props.hint ? `${id}-hint` : undefined;
  return (
    <div class={props.error ? 'field invalid' : 'field'}>
      <label for={id}>
        {props.label}
        {props.optional && <span class="optional"> optional</span>}
      </label>
      <input
        id={id}
        name={props.name}
        {...(props.type === 'password'
          ? { type: 'password' }
          : { type: 'text', ...(props.suggestions && { list: `${id}-list` }) })}
        defaultValue={props.initial}
        required={!props.optional}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described}
        autoComplete={props.autoComplete ?? 'off'}
        autoCapitalize={props.plain ? 'none' : undefined}
        spellcheck={props.plain ? false : undefined}
        maxLength={props.maxLength}
        minLength={props.minLength}
        onInput={(event) => props.onInput?.(event.currentTarget.value)}
      />
      {props.suggestions && (
        <datalist id={`${id}-list`}>
          {props.suggestions.map(({ value, label }) => (
            <option key={value} value={value} label={label} />
          ))}
        </datalist>
      )}
      {props.error ? (
        <p class="field-error" id={`${id}-error`}>
          {props.error}
        </p>
      ) : (
        props.hint && (
          <p class="field-hint" id={`${id}-hint`}>
            {props.hint}
          </p>
        )
      )}
    </div>
  );
}
