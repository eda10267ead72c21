import type { ThemeChoice as Choice } from '../../browser/theme';
import { useApp } from '../parts/context';

const THEMES: { value: Choice; label: string }[] = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export function ThemeChoice() {
  const { theme } = useApp();
  return (
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
  );
}
