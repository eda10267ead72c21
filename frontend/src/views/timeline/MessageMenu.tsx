import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import { type Action, actionOf, KEYS } from '../../rooms/actions';
import { Icon, type IconName } from '../parts/Icon';
import { Menu } from '../parts/Menu';

interface Look {
  text: string;
  icon: IconName;
}

const LOOKS: Record<Exclude<Action, 'react'>, Look> = {
  reply: { text: 'Reply', icon: 'reply' },
  thread: { text: 'Reply in thread', icon: 'thread' },
  edit: { text: 'Edit', icon: 'pencil' },
  pin: { text: 'Pin', icon: 'pin' },
  unpin: { text: 'Unpin', icon: 'pin' },
  unread: { text: 'Mark as unread from here', icon: 'unread' },
  copy: { text: 'Copy text', icon: 'copy' },
  link: { text: 'Copy link', icon: 'link' },
  forward: { text: 'Forward', icon: 'forward' },
  previews: { text: 'Hide previews', icon: 'close' },
  edits: { text: 'Edits', icon: 'retry' },
  reactors: { text: 'Who reacted', icon: 'people' },
  person: { text: 'About the author', icon: 'settings' },
  report: { text: 'Report', icon: 'warning' },
  delete: { text: 'Delete', icon: 'bin' },
};

const DANGERS: readonly Action[] = ['report', 'delete'];

// Each is in the normal form that the server gives to an emoji.
const QUICK = ['👍', '❤️', '😂', '🎉', '😮', '😢'];

interface MessageMenuProps {
  entry: MessageEntry;
  actions: readonly Action[];
  me: string;
  anchor: DOMRect;
  onReact(emoji: string): void;
  /** The user wants another emoji than those in the menu. */
  onMore(): void;
  onAct(action: Action): void;
  onClose(): void;
}

/** What can be done with a message. */
export function MessageMenu(props: MessageMenuProps) {
  const { entry, actions, me, anchor, onReact, onMore, onAct, onClose } = props;
  const others = actions.filter((action) => action !== 'react');
  return (
    <Menu
      label="Message"
      anchor={anchor}
      onClose={onClose}
      onKey={({ key }) => {
        const action = actionOf(key, others);
        if (action) onAct(action);
      }}
    >
      {actions.includes('react') && (
        <QuickReactions entry={entry} me={me} onReact={onReact} onMore={onMore} />
      )}
      {others.map((action) => (
        <button
          key={action}
          type="button"
          role="menuitem"
          class={DANGERS.includes(action) ? 'menu-item danger' : 'menu-item'}
          onClick={() => onAct(action as Action)}
        >
          <Icon name={LOOKS[action].icon} size={18} />
          <span class="menu-text">
            {action === 'thread' && !actions.includes('reply') ? 'Open thread' : LOOKS[action].text}
          </span>
          {KEYS[action] && <kbd>{keyText(KEYS[action])}</kbd>}
        </button>
      ))}
    </Menu>
  );
}

function keyText(key = ''): string {
  return key.length === 1 ? key.toUpperCase() : 'Del';
}

interface ReactMenuProps {
  entry: MessageEntry;
  me: string;
  anchor: DOMRect;
  onReact(emoji: string): void;
  onMore(): void;
  onClose(): void;
}

/** The emojis that are offered for a reaction. */
export function ReactMenu({ entry, me, anchor, onReact, onMore, onClose }: ReactMenuProps) {
  return (
    <Menu label="React" anchor={anchor} onClose={onClose}>
      <QuickReactions entry={entry} me={me} onReact={onReact} onMore={onMore} />
    </Menu>
  );
}

interface QuickReactionsProps {
  entry: MessageEntry;
  me: string;
  onReact(emoji: string): void;
  onMore(): void;
}

function QuickReactions({ entry, me, onReact, onMore }: QuickReactionsProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of a menu
    <div class="menu-emojis" role="group" aria-label="React">
      {QUICK.map((emoji) => {
        const isMine = entry.reactions.some(
          (reaction) => reaction.emoji === emoji && reaction.user_ids.includes(me),
        );
        return (
          <button
            key={emoji}
            type="button"
            role="menuitem"
            class={isMine ? 'menu-emoji mine' : 'menu-emoji'}
            aria-label={isMine ? `Take back ${emoji}` : `React with ${emoji}`}
            onClick={() => onReact(emoji)}
          >
            {emoji}
          </button>
        );
      })}
      <button
        type="button"
        role="menuitem"
        class="menu-emoji"
        aria-label="Another emoji"
        title="Another emoji"
        onClick={onMore}
      >
        <Icon name="smile" />
      </button>
    </div>
  );
}
