import { REASON_CHARACTERS } from 'tailwire-client/wire/limits';
import { nameIn } from '../../browser/text';
import { useForm } from '../parts/form';
import { useModeration } from '../parts/moderation';
import { BanForm } from './BanForm';
import type { PersonProps } from './PersonDialog';

/** Asks whether somebody is to be banned, and why. */
export function BanPerson({ room, profile, member, onBack, onClose }: PersonProps) {
  const moderation = useModeration();
  const form = useForm({
    names: ['reason'],
    limits: { reason: REASON_CHARACTERS },
    send: async ({ reason }) => {
      await moderation.ban(room.id, profile.id, nameIn(reason));
      onClose();
    },
  });
  return (
    <BanForm form={form} onBack={onBack}>
      <p>
        {member && 'They leave the room at once. '}
        Nobody can add or invite them, and they cannot join, until an owner or a moderator lets them
        come back. What they wrote stays.
      </p>
    </BanForm>
  );
}
