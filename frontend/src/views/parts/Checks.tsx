import type { ComponentChildren } from 'preact';

interface ChecksProps {
  legend: ComponentChildren;
  /** What is wrong with what is chosen. The first box has the focus then. */
  error?: string | undefined;
  /** The names of those that are chosen at first. */
  initial: readonly string[];
  options: readonly { name: string; title: ComponentChildren; detail?: string }[];
}

/** A field of a form in which any of several things are chosen, each by a box with its own name. */
export function Checks({ legend, error, initial, options }: ChecksProps) {
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {options.map(({ name, title, detail }, index) => (
        <label class="choice" key={name}>
          <input
            type="checkbox"
            name={name}
            defaultChecked={initial.includes(name)}
            aria-invalid={error && index === 0 ? 'true' : undefined}
          />
          <span>
            <span class="choice-title">{title}</span>
            {detail && <span class="choice-detail">{detail}</span>}
          </span>
        </label>
      ))}
      {error && <p class="field-error">{error}</p>}
    </fieldset>
  );
}
