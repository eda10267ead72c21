import type { ThemeChoice as Choice } from '../../browser/theme';
import { useApp } from '../parts/context';
import { Segments } from '../parts/Segments';

const THEMES: { value: Choice; label: string }[] = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export function ThemeChoice() {
  const { theme } = useApp();
  return (
    <Segments
      legend="Theme"
      name="theme"
      options={THEMES}
      initial={theme.choice.value}
      onChoose={(chosen) => {
        theme.choice.value = THEMES.find(({ value }) => value === chosen)?.value ?? 'system';
      }}
    />
  );
}
