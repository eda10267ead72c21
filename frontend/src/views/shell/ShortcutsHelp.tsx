import { MARKS } from '../../formatting/marks';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';

type Keys = readonly (readonly [keys: readonly string[], what: string])[];

const SHORTCUTS: Keys = [
  [['Ctrl', 'K'], 'Go to a room or a person by name'],
  [['Alt', '↑'], 'The room above'],
  [['Alt', '↓'], 'The room below'],
  [['Alt', 'Shift', '↑'], 'The unread room above'],
  [['Alt', 'Shift', '↓'], 'The unread room below'],
  [['↑'], 'In the messages: the one before'],
  [['↓'], 'In the messages: the one after'],
  [['Enter'], 'On a message: what can be done with it'],
  [['R'], 'On a message: reply'],
  [['T'], 'On a message: open its thread'],
  [['E'], 'On a message of yours: edit'],
  [['+'], 'On a message: react'],
  [['P'], 'On a message: pin or unpin'],
  [['U'], 'On a message: mark as unread from here'],
  [['C'], 'On a message: copy its text'],
  [['L'], 'On a message: copy a link to it'],
  [['F'], 'On a message: forward it'],
  [['Del'], 'On a message: delete'],
  [['↑'], 'Where nothing is written yet: edit your last message'],
  [['Esc'], 'Cancel a reply, close a dialog or a thread'],
  [['?'], 'This list'],
];

const SEARCH: Keys = [[['Ctrl', 'Shift', 'F'], 'Search messages, in the room that is open']];

const WRITING: Keys = [
  [['Enter'], 'Send'],
  [['Shift', 'Enter'], 'A new line'],
  ...MARKS.map(({ keys, title }) => [keys, title] as const),
  [['Ctrl', 'Alt', 'P'], 'Preview'],
];

export function ShortcutsHelp({ onClose }: { onClose(): void }) {
  const { features } = useSession();
  return (
    <Dialog title="Keys" onClose={onClose}>
      <KeyList keys={features.value.has('search') ? [...SEARCH, ...SHORTCUTS] : SHORTCUTS} />
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
