import type { Permission } from '../../browser/notices';
import type { Signs } from '../../browser/signs';
import { useApp } from '../parts/context';

const WORDS: Record<Permission, string> = {
  granted: 'Your system shows notices of this page.',
  default: 'Your browser asks you first.',
  denied: 'Your browser does not show notices of this page. You can change that in its settings.',
  missing: 'Your browser has no notices for this page.',
};

/** How the user is notified on this machine. */
export function NoticeChoice() {
  const signs = useApp().signs.value;
  return signs ? <Settings signs={signs} /> : <p role="status">Loading…</p>;
}

function Settings({ signs }: { signs: Signs }) {
  const { notices, settings } = signs;
  const permission = notices.permission.value;
  const { shown, withText, sound } = settings.value;
  return (
    <>
      <p>{WORDS[permission]}</p>
      {permission === 'default' && (
        <button
          type="button"
          class="button primary"
          onClick={() => {
            settings.change({ shown: true, asked: true });
            void notices.ask();
          }}
        >
          Turn on notices
        </button>
      )}
      {permission === 'granted' && (
        <>
          <Switch
            label="Show notices on this machine"
            isOn={shown}
            onSwitch={(isOn) => settings.change({ shown: isOn })}
          />
          <Switch
            label="Show in them what was written"
            isOn={withText}
            onSwitch={(isOn) => settings.change({ withText: isOn })}
          />
        </>
      )}
      <Switch
        label="Play a sound"
        isOn={sound}
        onSwitch={(isOn) => settings.change({ sound: isOn })}
      />
      <p class="field-hint">Of which messages you are notified is set in each room.</p>
    </>
  );
}

interface SwitchProps {
  label: string;
  isOn: boolean;
  onSwitch(isOn: boolean): void;
}

function Switch({ label, isOn, onSwitch }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => onSwitch(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
