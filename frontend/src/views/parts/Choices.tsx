interface ChoicesProps<Value extends string> {
  legend: string;
  name: string;
  error?: string | undefined;
  /** The value that is chosen at first. */
  initial: Value;
  options: readonly { value: Value; title: string; detail: string }[];
  onChoose?(value: Value): void;
}

/** A field of a form in which one of several values is chosen, each with a line about it. */
export function Choices<Value extends string>(props: ChoicesProps<Value>) {
  return (
    <fieldset class="choices">
      <legend>{props.legend}</legend>
      {props.options.map(({ value, title, detail }) => (
        <label class="choice" key={value}>
          <input
            type="radio"
            name={props.name}
            value={value}
            defaultChecked={value === props.initial}
            onChange={() => props.onChoose?.(value)}
          />
          <span>
            <span class="choice-title">{title}</span>
            <span class="choice-detail">{detail}</span>
          </span>
        </label>
      ))}
      {props.error && <p class="field-error">{props.error}</p>}
    </fieldset>
  );
}
