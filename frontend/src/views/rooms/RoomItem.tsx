import { Component } from 'preact';
import type { Room } from 'tailwire-client/wire/protocol';
import { roomHash } from '../../browser/router';
import { shortTime } from '../../browser/time';
import { useSession } from '../parts/context';
import { FarName } from '../parts/FarName';
import { Icon } from '../parts/Icon';
import { RoomMark } from '../parts/RoomMark';
import { RoomTitle } from '../parts/RoomTitle';
import { Excerpt } from '../timeline/Excerpt';

interface RoomItemProps {
  room: Room;
  current: boolean;
  /** The beginning of the current day. */
  today: Date;
  /** Somebody added the user to the room, and it was not opened yet. */
  added: boolean;
  /** There is text that was not sent. */
  draft: boolean;
  /** The user does not want to hear of it. */
  muted: boolean;
  /** Opens the menu of the room beside its line. */
  onMenu(room_id: string, anchor: DOMRect): void;
}

/** One line of the room list. It is drawn again only when something of it changes. */
export class RoomItem extends Component<RoomItemProps> {
  override shouldComponentUpdate(next: RoomItemProps): boolean {
    return (Object.keys(next) as (keyof RoomItemProps)[]).some(
      (name) => next[name] !== this.props[name],
    );
  }

  readonly #openMenu = (event: Event) => {
    event.preventDefault();
    const line = (event.currentTarget as HTMLElement).closest('li');
    if (line) this.props.onMenu(this.props.room.id, line.getBoundingClientRect());
  };

  override render() {
    const { room, current, today, added, draft, muted } = this.props;
    const unread = room.unread_count ?? 0;
    const mentions = room.mention_count ?? 0;
    const last = room.last_message;
    const classes = ['room-item'];
    if (muted) classes.push('muted');
    else if (unread > 0 || added) classes.push('unread');
    return (
      <li class="room-line" data-room={room.id}>
        <a
          href={roomHash(room.id)}
          class={classes.join(' ')}
          aria-current={current ? 'page' : undefined}
          onContextMenu={room.place ? this.#openMenu : undefined}
        >
          <RoomMark room={room} />
          <span class="room-item-text">
            <span class="room-item-top">
              <span class="room-item-name" dir="auto">
                <RoomTitle room={room} />
              </span>
              {last && (
                <time class="room-item-time" dateTime={last.at}>
                  {shortTime(last.at, today)}
                </time>
              )}
            </span>
            <span class="room-item-bottom">
              <span class="room-item-last">
                <Preview room={room} />
              </span>
              {draft && !current && (
                <span class="room-item-draft" title="A draft that is not sent">
                  <Icon name="pencil" size={16} />
                  <span class="visually-hidden">Draft. </span>
                </span>
              )}
              {added && unread === 0 && <span class="badge">New</span>}
              {unread > 0 && <Badges unread={unread} mentions={mentions} muted={muted} />}
            </span>
          </span>
        </a>
        {room.place && (
          <button
            type="button"
            class="icon-button room-more"
            aria-haspopup="menu"
            onClick={this.#openMenu}
          >
            <Icon name="more" />
            <span class="visually-hidden">
              Place of <RoomTitle room={room} />
            </span>
          </button>
        )}
      </li>
    );
  }
}

interface BadgesProps {
  unread: number;
  /** How many of the unread messages mention the user. */
  mentions: number;
  muted: boolean;
}

function Badges({ unread, mentions, muted }: BadgesProps) {
  if (muted)
    return (
      <span class="unread-dot">
        <span class="visually-hidden">Muted, {countText(unread)} unread</span>
      </span>
    );
  return (
    <>
      {mentions > 0 && (
        <span class="badge mentions">
          <span aria-hidden="true">@</span>
          {countText(mentions)}
          <span class="visually-hidden"> mentions of you, </span>
        </span>
      )}
      <span class={mentions > 0 ? 'badge quiet' : 'badge'}>
        {countText(unread)}
        <span class="visually-hidden"> unread</span>
      </span>
    </>
  );
}

const MOST_SHOWN = 99;

function countText(count: number): string {
  return count > MOST_SHOWN ? `${MOST_SHOWN}+` : String(count);
}

function Preview({ room: { id, last_message, topic } }: { room: Room }) {
  const { blocks, user_id: me } = useSession();
  if (!last_message) return <>{topic || 'No messages yet'}</>;
  if (last_message.deleted) return <>Message deleted</>;
  if (blocks.isUnknown()) return null;
  if (blocks.has(last_message.user_id)) return <>You blocked who wrote this.</>;
  return (
    <>
      {last_message.user_id === me ? 'You' : <FarName of={last_message} room_id={id} />}:{' '}
      <Excerpt text={last_message.body} />
    </>
  );
}
