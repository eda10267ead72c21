import { useEffect, useState } from 'preact/hooks';
import type { AdminRoom } from 'tailwire-client/wire/api/admin';
import { Problem } from 'tailwire-client/wire/problem';
import { LOBBY } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { fullTime } from '../../browser/time';
import { PagedList } from '../../wire/paged_list';
import { ByName } from '../parts/ByName';
import { useAdmin } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { Icon, type IconName } from '../parts/Icon';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { DoneLine } from '../parts/Outcome';
import { AdminRoomName, sizeText, useText } from './RoomsPage';

const MISSING = { loc: 'username', message: 'No account has this name.' };

type Place = 'members' | 'owner' | 'delete';

const TITLES: Record<Place, string> = {
  members: 'Members of the room',
  owner: 'Name an owner',
  delete: 'Delete this room?',
};

interface RoomProps {
  room: AdminRoom;
  onClose(): void;
}

/** What an administrator can do with a room. They see its name and its size, and never a message. */
export function AdminRoomDialog({ room, onClose }: RoomProps) {
  const [place, setPlace] = useState<Place | null>(null);
  const [done, setDone] = useState('');
  const back = () => setPlace(null);
  const title = room.kind === 'direct' ? 'Direct room' : room.name;
  if (place === null)
    return (
      <Dialog title={title} onClose={onClose}>
        <Overview room={room} onChoose={setPlace} />
        <DoneLine text={done} />
      </Dialog>
    );
  return (
    <Dialog title={TITLES[place]} onClose={onClose} onBack={back}>
      {place === 'members' && <MemberList room={room} />}
      {place === 'owner' && (
        <NameOwner
          room={room}
          onDone={(said) => {
            setDone(said);
            back();
          }}
        />
      )}
      {place === 'delete' && <DeleteRoom room={room} onBack={back} onClose={onClose} />}
    </Dialog>
  );
}

interface Choice {
  place: Place;
  icon: IconName;
  text: string;
  isDanger?: boolean;
}

function choicesFor({ id, kind }: AdminRoom): Choice[] {
  const members: Choice = { place: 'members', icon: 'people', text: 'Who is in it' };
  if (kind === 'direct') return [members];
  const owner: Choice = { place: 'owner', icon: 'key', text: 'Name an owner' };
  if (id === LOBBY) return [members, owner];
  return [
    members,
    owner,
    { place: 'delete', icon: 'bin', text: 'Delete the room…', isDanger: true },
  ];
}

function Overview({ room, onChoose }: { room: AdminRoom; onChoose(place: Place): void }) {
  return (
    <>
      <dl class="admin-facts">
        <div>
          <dt>Kind</dt>
          <dd>
            {room.kind === 'direct' ? 'direct' : room.visibility}
            {room.archived && ', archived'}
          </dd>
        </div>
        {room.topic && (
          <div>
            <dt>Topic</dt>
            <dd>
              <bdi>{room.topic}</bdi>
            </dd>
          </div>
        )}
        <div>
          <dt>Use</dt>
          <dd>
            {sizeText(room)}, {useText(room)}
          </dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>{fullTime(room.created_at)}</dd>
        </div>
        <div>
          <dt>Id</dt>
          <dd>
            <code>{room.id}</code>
          </dd>
        </div>
      </dl>
      <ul class="account-places">
        {choicesFor(room).map(({ place, icon, text, isDanger }) => (
          <li key={place}>
            <button
              type="button"
              class={isDanger ? 'account-place danger' : 'account-place'}
              onClick={() => onChoose(place)}
            >
              <Icon name={icon} size={18} />
              {text}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function MemberList({ room }: { room: AdminRoom }) {
  const { api } = useAdmin();
  const [list] = useState(() => new PagedList((cursor) => api.members(room.id, cursor)));
  useEffect(() => void list.load(), [list]);
  const state = list.state.value;
  return (
    <>
      {state === 'failed' && (
        <LoadFailure error={list.error.value} onAgain={() => void list.load()} />
      )}
      {state === 'loading' && list.items.value.length === 0 && <p role="status">Loading…</p>}
      <ul class="logins" aria-label="Members">
        {list.items.value.map((member) => (
          <li class="login" key={member.user_id}>
            <div class="login-text">
              <p class="login-name">
                <bdi>{member.display_name}</bdi>
              </p>
              <p class="login-detail">
                <a href={`#/admin/accounts/${member.user_id}`}>
                  <bdi>@{member.username}</bdi>
                </a>
              </p>
            </div>
            <span class="role">{member.role}</span>
          </li>
        ))}
      </ul>
      <MoreButton list={list}>Show more</MoreButton>
    </>
  );
}

function NameOwner({ room, onDone }: { room: AdminRoom; onDone(said: string): void }) {
  const { api, rooms } = useAdmin();
  const bare = (text: string) => nameIn(text).replace(/^@/, '').normalize('NFKC').toLowerCase();
  const form = useForm({
    names: ['username'],
    check: ({ username }) => wrongIf(!bare(username), 'username', 'Enter a username.'),
    send: async ({ username }) => {
      const { items } = await api.accounts(bare(username), null);
      const found = items.find((account) => account.username === bare(username));
      if (!found) throw new Problem({ status: 404, errors: [MISSING] });
      await rooms.nameOwner(room.id, found.id);
      onDone(`@${found.username} owns this room now.`);
    },
  });
  return (
    <FormCard form={form} send="Make them an owner" sending="Changing…">
      <p class="form-note">
        For a room that has lost its owners. They become a member of it, and everybody in the room
        is told. The other owners stay.
      </p>
      <Field label="Username" {...form.field('username')} plain />
    </FormCard>
  );
}

interface DeleteRoomProps extends RoomProps {
  onBack(): void;
}

function DeleteRoom({ room, onBack, onClose }: DeleteRoomProps) {
  const { rooms } = useAdmin();
  return (
    <ByName
      name={room.name}
      send="Delete the room"
      sending="Deleting…"
      danger
      onBack={onBack}
      onSend={async () => {
        await rooms.delete(room.id);
        onClose();
      }}
    >
      <p class="callout danger">
        <strong>This cannot be undone.</strong> All that was written in{' '}
        <AdminRoomName room={room} /> is erased for everybody.
      </p>
    </ByName>
  );
}
