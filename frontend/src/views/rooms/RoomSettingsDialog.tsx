import { useMemo, useState } from 'preact/hooks';
import { type AllSettings, settingsOf } from 'tailwire-client/rooms/settings';
import { roomPath } from 'tailwire-client/wire/api/rooms';
import { ROOM_NAME_CHARACTERS, TOPIC_CHARACTERS } from 'tailwire-client/wire/limits';
import { waitText } from 'tailwire-client/wire/problem';
import type { Room } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { settingsToChange } from '../../rooms/governing';
import { differing, RoomChanges } from '../../rooms/room_changes';
import { AvatarField } from '../parts/AvatarField';
import { ByName } from '../parts/ByName';
import { Choices } from '../parts/Choices';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { type Fields, useForm, wrongIf } from '../parts/form';
import { RoomMark } from '../parts/RoomMark';
import { SelectField } from '../parts/SelectField';

const VISIBILITIES = [
  { value: 'public', title: 'Public', detail: 'Everyone on this server can find and join it.' },
  { value: 'private', title: 'Private', detail: 'Only those who are invited.' },
] as const;

const WRITERS = [
  { value: 'member', title: 'All members', detail: 'Readers only read along.' },
  { value: 'moderator', title: 'Moderators', detail: 'And owners. The others read and react.' },
] as const;

/** Seconds between two messages of a member. */
const SLOW_SECONDS = [0, 5, 10, 30, 60, 300, 900, 3_600];

type Name = 'name' | 'topic' | 'visibility' | 'post_role' | 'slow_seconds';
type Page = 'form' | 'public' | 'archive';

const TITLES: Record<Page, string> = {
  form: 'Room settings',
  public: 'Make this room public?',
  archive: 'Archive this room?',
};

interface RoomSettingsDialogProps {
  room: Room;
  onClose(): void;
}

/** What owners and moderators set of a room. Only what they change is sent, so that two of them do not undo each other. */
export function RoomSettingsDialog({ room, onClose }: RoomSettingsDialogProps) {
  const { features, publicRooms, rooms } = useSession();
  const changes = useMemo(() => new RoomChanges(publicRooms, rooms), [publicRooms, rooms]);
  const [page, setPage] = useState<Page>('form');
  /** What the form held when another question came up. */
  const [wanted, setWanted] = useState<Partial<AllSettings>>({});
  const toForm = () => setPage('form');
  const save = async (change: Partial<AllSettings>) => {
    await changes.save(room.id, change);
    onClose();
  };
  const isForm = page === 'form';
  return (
    <Dialog title={TITLES[page]} onClose={onClose} {...(!isForm && { onBack: toForm })}>
      {isForm && !room.archived && features.value.has('files') && (
        <div class="account-who">
          <RoomMark room={room} />
          <AvatarField<Room>
            of={room.name}
            path={`${roomPath(room.id)}/avatar`}
            avatar={room.avatar}
            onChanged={(now) => changes.changed(now)}
          />
        </div>
      )}
      {isForm &&
        (room.archived ? (
          <Archived onSend={() => save({ archived: false })} />
        ) : (
          <SettingsForm
            room={room}
            initial={{ ...settingsOf(room), ...wanted }}
            onArchive={(typed) => {
              setWanted(typed);
              setPage('archive');
            }}
            onSave={async (typed) => {
              const change = differing(room, typed);
              if (change.visibility === 'public') {
                setWanted(typed);
                setPage('public');
              } else if (Object.keys(change).length > 0) await save(change);
              else onClose();
            }}
          />
        ))}
      {page === 'public' && (
        <ByName
          name={room.name}
          send="Make it public"
          sending="Saving…"
          danger
          onBack={toForm}
          onSend={() => save(differing(room, wanted))}
        >
          <p>
            Everyone on this server can then find it, join it and read all of it, also what was
            written while it was private.
          </p>
        </ByName>
      )}
      {page === 'archive' && <Archive onSend={() => save({ archived: true })} onBack={toForm} />}
    </Dialog>
  );
}

interface SettingsFormProps {
  room: Room;
  initial: AllSettings;
  onSave(wanted: Partial<AllSettings>): Promise<void>;
  onArchive(wanted: Partial<AllSettings>): void;
}

function SettingsForm({ room, initial, onSave, onArchive }: SettingsFormProps) {
  const may = settingsToChange(room);
  const names = NAMES.filter((name) => may.includes(name));
  const form = useForm<Name>({
    names,
    limits: { name: ROOM_NAME_CHARACTERS, topic: TOPIC_CHARACTERS },
    check: ({ name }) =>
      wrongIf(may.includes('name') && !nameIn(name), 'name', 'Give the room a name.'),
    send: (fields) => onSave(settingsIn(fields, names)),
  });
  const field = (name: Name) => form.field(name);
  return (
    <FormCard
      form={form}
      send="Save"
      sending="Saving…"
      buttons={
        may.includes('archived') && (
          <button
            type="button"
            class="button apart"
            onClick={(event) => {
              const data = new FormData(event.currentTarget.form ?? undefined);
              const typed = NAMES.map((name) => [name, String(data.get(name) ?? '')]);
              onArchive(settingsIn(Object.fromEntries(typed), names));
            }}
          >
            Archive…
          </button>
        )
      }
    >
      {may.includes('name') && <Field label="Name" {...field('name')} initial={initial.name} />}
      {may.includes('topic') && (
        <Field
          label="Topic"
          {...field('topic')}
          initial={initial.topic}
          hint="One line about what belongs here."
          optional
        />
      )}
      {may.includes('visibility') && (
        <Choices
          legend="Who can join"
          {...field('visibility')}
          initial={initial.visibility}
          options={VISIBILITIES}
        />
      )}
      {may.includes('post_role') && (
        <Choices
          legend="Who can write"
          {...field('post_role')}
          initial={initial.post_role === 'moderator' ? 'moderator' : 'member'}
          options={WRITERS}
        />
      )}
      {may.includes('slow_seconds') && (
        <SelectField
          label="Slow mode"
          {...field('slow_seconds')}
          hint="How long a member waits between two messages. Moderators and owners do not."
          initial={String(initial.slow_seconds)}
          options={slowOptions(initial.slow_seconds)}
        />
      )}
    </FormCard>
  );
}

const NAMES: readonly Name[] = ['name', 'topic', 'visibility', 'post_role', 'slow_seconds'];

/** The settings in the fields of the form, those of `names` only. */
function settingsIn(fields: Fields<Name>, names: readonly Name[]): Partial<AllSettings> {
  const all: Pick<AllSettings, Name> = {
    name: nameIn(fields.name),
    topic: nameIn(fields.topic),
    visibility: fields.visibility === 'private' ? 'private' : 'public',
    post_role: fields.post_role === 'moderator' ? 'moderator' : 'member',
    slow_seconds: Number(fields.slow_seconds),
  };
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

/** The usual times, and the present one. */
function slowOptions(seconds: number): { value: string; title: string }[] {
  const all = [...new Set([...SLOW_SECONDS, seconds])].sort((one, other) => one - other);
  return all.map((value) => ({
    value: String(value),
    title: value === 0 ? 'Off' : waitText(value),
  }));
}

interface QuestionProps {
  onSend(): Promise<void>;
}

function Archive({ onSend, onBack }: QuestionProps & { onBack(): void }) {
  const form = useForm({ names: [], send: onSend });
  return (
    <FormCard
      form={form}
      send="Archive it"
      sending="Archiving…"
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
      }
    >
      <p>
        Everybody can go on reading it, and nobody writes in it any more. An owner can bring it back
        at any time.
      </p>
    </FormCard>
  );
}

function Archived({ onSend }: QuestionProps) {
  const form = useForm({ names: [], send: onSend });
  return (
    <FormCard form={form} send="Bring it back" sending="Bringing it back…">
      <p>This room is archived: it can be read, and nobody writes in it any more.</p>
    </FormCard>
  );
}
