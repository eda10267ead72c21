import { useId } from 'preact/hooks';

interface SelectProps {
  label: string;
  initial: string;
  options: readonly { value: string; label: string }[];
  onChoose(value: string): void;
}

/** A field in which one of many short options is chosen. The element keeps its value itself. */
export function Select({ label, initial, options, onChoose }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(({ value, label }) => (
          <option key={value} value={value} selected={value === initial}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
