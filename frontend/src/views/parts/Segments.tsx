interface SegmentsProps {
  legend: string;
  name: string;
  options: readonly { value: string; label: string }[];
  initial: string;
  onChoose?(value: string): void;
}

/** A field with a few short options in one row, of which one is chosen. */
export function Segments({ legend, name, options, initial, onChoose }: SegmentsProps) {
  return (
    <fieldset class="segments">
      <legend>{legend}</legend>
      <div class="segment-row">
        {options.map(({ value, label }) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              defaultChecked={value === initial}
              onChange={() => onChoose?.(value)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
