import type { Message } from 'tailwire-client/wire/protocol';
import { useSession } from './context';
import { Name } from './Name';

/** The name of the author of a message that is shown outside its room, whose members need not be loaded. */
export function FarName({ of: message }: { of: Message }) {
  const { names, usernames } = useSession();
  const { room_id, user_id, shown_as } = message;
  if (!shown_as && !names.isKnown(user_id)) usernames.of(room_id, user_id);
  return <Name of={message} />;
}
