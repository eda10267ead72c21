import type { ThemeChoice } from '../../browser/theme';
import { useApp } from './context';
import { Icon, type IconName } from './Icon';

const NEXT: Record<ThemeChoice, { next: ThemeChoice; icon: IconName; label: string }> = {
  system: { next: 'light', icon: 'monitor', label: 'Theme: like the system. Switch to light' },
  light: { next: 'dark', icon: 'sun', label: 'Theme: light. Switch to dark' },
  dark: { next: 'system', icon: 'moon', label: 'Theme: dark. Switch to the system’s' },
};

export function ThemeToggle() {
  const { theme } = useApp();
  const { next, icon, label } = NEXT[theme.choice.value];
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        theme.choice.value = next;
      }}
    >
      <Icon name={icon} />
    </button>
  );
}
