import { MARKS } from '../../formatting/marks';
import { Dialog } from '../parts/Dialog';
import { SHORTCUTS } from './shortcuts';

type Keys = readonly (readonly [keys: readonly string[], what: string])[];

const WRITING: Keys = [
  [['Enter'], 'Send'],
  [['Shift', 'Enter'], 'A new line'],
  ...MARKS.map(({ keys, title }) => [keys, title] as const),
  [['Ctrl', 'Alt', 'P'], 'Preview'],
];

export function ShortcutsHelp({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <KeyList keys={SHORTCUTS} />
      <h3>While you write</h3>
      <KeyList keys={WRITING} />
    </Dialog>
  );
}

function KeyList({ keys }: { keys: Keys }) {
  return (
    <dl class="keys">
      {keys.map(([keys, what]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>
            {keys.map((key, index) => (
              <span key={key}>
                {index > 0 && '+'}
                <kbd>{key}</kbd>
              </span>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
