import { useState } from 'preact/hooks';
import type { MadeToken, TokenTerms } from 'tailwire-client/wire/program_tokens';
import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { Checks } from '../parts/Checks';
import { Choices } from '../parts/Choices';
import { ChosenList } from '../parts/ChosenList';
import { useAccount, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { ErrorLine } from '../parts/Outcome';
import { RoomPicker } from '../parts/RoomPicker';
import { SelectField } from '../parts/SelectField';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { NewTokenShown } from './NewTokenShown';
import { SCOPES } from './scopes';

const NAME_CHARACTERS = 80;
// A token is bound to at most so many rooms (docs/protocol.md).
const MOST_ROOMS = 100;
const DAY_SECONDS = 86_400;

const DURATIONS = [
  { value: '30', title: '30 days' },
  { value: '90', title: '90 days' },
  { value: '365', title: 'A year' },
  { value: '', title: 'Until it is ended' },
];

const WHERE = [
  { value: 'all', title: 'In all rooms', detail: 'Also in those that come later.' },
  {
    value: 'some',
    title: 'Only in some rooms',
    detail: 'It finds no others. You choose them next.',
  },
] as const;

interface MakeTokenProps {
  /** Whose it will be: a bot's, or with null the user's own. */
  bot: PublicUser | null;
  onClose(): void;
  onBack(): void;
}

/** Makes a token: what it may do, then where if it is for some rooms only, and then its secret. */
export function MakeToken({ bot, onClose, onBack }: MakeTokenProps) {
  const { programs } = useAccount();
  const [tokens] = useState(() => programs.tokens(bot?.id ?? null));
  const [terms, setTerms] = useState<TokenTerms | null>(null);
  const [made, setMade] = useState<MadeToken | null>(null);
  const make = async (all: TokenTerms) => setMade(await tokens.make(all));
  if (made)
    return (
      <Dialog title={`The token ${made.name}`} onClose={onClose}>
        <NewTokenShown token={made.token} onDone={onBack} />
      </Dialog>
    );
  if (terms)
    return (
      <Dialog title="Choose the rooms" onClose={onClose} onBack={() => setTerms(null)}>
        <ChooseRooms onChosen={(room_ids) => make({ ...terms, room_ids })} />
      </Dialog>
    );
  return (
    <Dialog
      title={bot ? `A token for ${bot.username}` : 'A token of your own'}
      onClose={onClose}
      onBack={onBack}
    >
      <Terms onTerms={make} onRooms={setTerms} />
    </Dialog>
  );
}

interface TermsProps {
  onTerms(terms: TokenTerms): Promise<void>;
  /** The rooms are chosen next. */
  onRooms(terms: TokenTerms): void;
}

function Terms({ onTerms, onRooms }: TermsProps) {
  const form = useForm({
    names: ['name', 'read', 'write', 'manage', 'where', 'days'],
    limits: { name: NAME_CHARACTERS },
    check: (fields) => [
      ...wrongIf(!nameIn(fields.name), 'name', 'Enter a name.'),
      ...wrongIf(
        SCOPES.every(({ value }) => !fields[value]),
        'read',
        'Choose what it may do.',
      ),
    ],
    send: async (fields) => {
      const terms = {
        name: nameIn(fields.name),
        scopes: SCOPES.map(({ value }) => value).filter((scope) => fields[scope]),
        ...(fields.days && { expires_in: Number(fields.days) * DAY_SECONDS }),
      };
      if (fields.where === 'some') onRooms(terms);
      else await onTerms(terms);
    },
  });
  return (
    <FormCard form={form} send="Make the token" sending="Making…">
      <Field
        label="Name"
        {...form.field('name')}
        hint="What it is for, so that you know it later."
      />
      <Checks
        legend="It may"
        error={form.field('read').error}
        initial={['read']}
        options={SCOPES.map(({ value, ...words }) => ({ name: value, ...words }))}
      />
      <Choices legend="Where" initial="all" options={WHERE} {...form.field('where')} />
      <SelectField label="For how long" initial="90" options={DURATIONS} {...form.field('days')} />
    </FormCard>
  );
}

function ChooseRooms({ onChosen }: { onChosen(room_ids: readonly string[]): Promise<void> }) {
  const { rooms, titles } = useSession();
  const [chosen, setChosen] = useState<readonly Room[]>([]);
  const { error, run } = useWork();
  const ids = new Set(chosen.map(({ id }) => id));
  const left =
    chosen.length < MOST_ROOMS ? rooms.sorted.value.filter(({ id }) => !ids.has(id)) : [];
  return (
    <>
      {/* Another one for each room, so that its field is empty again. */}
      <RoomPicker
        key={chosen.length}
        rooms={left}
        hint="Enter adds it."
        onPick={(room) => setChosen([...chosen, room])}
      />
      <ChosenList
        label="Chosen rooms"
        chosen={chosen}
        nameOf={(room) => titles.of(room)}
        onChange={setChosen}
      />
      <ErrorLine text={error} />
      <div class="form-actions">
        <WorkButton
          class="button primary"
          disabled={chosen.length === 0}
          doing="Making…"
          onPress={() => run(() => onChosen([...ids]))}
        >
          Make the token
        </WorkButton>
      </div>
    </>
  );
}
