import { REASON_CHARACTERS } from 'tailwire-client/wire/limits';
import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { userNamed } from '../../rooms/people';
import { useSession } from '../parts/context';
import { useForm, wrongIf } from '../parts/form';
import { useModeration } from '../parts/moderation';
import { BanForm } from './BanForm';
import { UsernameField, usernameIn } from './UsernameField';

interface BanByNameProps {
  room: Room;
  onBack(): void;
  onBanned(user: PublicUser): void;
}

/** Bans somebody by their username, who may never have been in the room. */
export function BanByName({ room, onBack, onBanned }: BanByNameProps) {
  const { user_id: me, users } = useSession();
  const moderation = useModeration();
  const form = useForm({
    names: ['username', 'reason'],
    limits: { reason: REASON_CHARACTERS },
    check: ({ username }) => wrongIf(!usernameIn(username), 'username', 'Enter a username.'),
    send: async ({ username, reason }) => {
      const user = await userNamed(users, usernameIn(username));
      await moderation.ban(room.id, user.id, nameIn(reason));
      onBanned(user);
    },
  });
  return (
    <BanForm form={form} onBack={onBack}>
      <p>
        Also somebody who was never here. Nobody can add or invite them, and they cannot join, until
        an owner or a moderator lets them come back.
      </p>
      <UsernameField form={form} isMeant={({ id }) => id !== me} />
    </BanForm>
  );
}
