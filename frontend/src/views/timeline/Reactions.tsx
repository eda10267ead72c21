import type { MessageEntry, Reaction } from 'tailwire-client/rooms/timeline';
import { namesOf } from '../../rooms/reactors';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';

interface ReactionsProps {
  room_id: string;
  entry: MessageEntry;
  me: string;
  canReact: boolean;
  /** Gives a reaction, or takes it back. */
  onReact(emoji: string): void;
  onWho(): void;
  onMore(button: Element): void;
}

/** The reactions to a message. Who may not react is shown who did. */
export function Reactions(props: ReactionsProps) {
  const { room_id, entry, me, canReact, onReact, onWho, onMore } = props;
  if (entry.reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {entry.reactions.map((reaction) => (
        <li key={reaction.emoji}>
          <Chip
            room_id={room_id}
            reaction={reaction}
            me={me}
            canReact={canReact}
            onPress={() => (canReact ? onReact(reaction.emoji) : onWho())}
          />
        </li>
      ))}
      {canReact && (
        <li>
          <button
            type="button"
            class="reaction more"
            tabIndex={-1}
            aria-label="Add a reaction"
            title="Add a reaction"
            onClick={(event) => onMore(event.currentTarget)}
          >
            <Icon name="smile" size={16} />
          </button>
        </li>
      )}
    </ul>
  );
}

interface ChipProps {
  room_id: string;
  reaction: Reaction;
  me: string;
  canReact: boolean;
  onPress(): void;
}

function Chip({ room_id, reaction, me, canReact, onPress }: ChipProps) {
  const { members, names } = useSession();
  const { emoji, count, user_ids } = reaction;
  const isMine = user_ids.includes(me);
  const known = namesOf(reaction, { me, members: members.of(room_id)?.members ?? [], names });
  const text = `${listed(known, count - known.length)} reacted with ${emoji}`;
  return (
    <button
      type="button"
      class={isMine ? 'reaction mine' : 'reaction'}
      tabIndex={-1}
      data-emoji={emoji}
      aria-pressed={canReact ? isMine : undefined}
      aria-label={`${emoji} ${count}. ${text}`}
      title={text}
      onClick={onPress}
    >
      <span class="reaction-emoji">{emoji}</span> <span class="reaction-count">{count}</span>
    </button>
  );
}

const LIST = new Intl.ListFormat('en', { type: 'conjunction' });

/** "You, Ann and 3 others". */
function listed(names: readonly string[], others: number): string {
  const rest = others === 1 ? '1 other' : `${others} others`;
  if (names.length === 0) return others === 1 ? 'Somebody' : `${others} people`;
  return LIST.format(others > 0 ? [...names, rest] : names);
}
