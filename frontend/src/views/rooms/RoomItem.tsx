import { Component } from 'preact';
import { roomHash } from '../../browser/router';
import { shortTime } from '../../browser/time';
import type { Room } from '../../wire/protocol';
import { Icon } from '../parts/Icon';
import { Name } from '../parts/Name';
import { Excerpt } from '../timeline/Excerpt';

interface RoomItemProps {
  room: Room;
  current: boolean;
  /** The beginning of the current day. */
  today: Date;
  /** Somebody added the user to the room, and it was not opened yet. */
  added: boolean;
}

/** One line of the room list. It is drawn again only when something of it changes. */
export class RoomItem extends Component<RoomItemProps> {
  override shouldComponentUpdate(next: RoomItemProps): boolean {
    return (Object.keys(next) as (keyof RoomItemProps)[]).some(
      (name) => next[name] !== this.props[name],
    );
  }

  override render() {
    const { room, current, today, added } = this.props;
    const unread = room.unread_count ?? 0;
    const last = room.last_message;
    return (
      <li>
        <a
          href={roomHash(room.id)}
          class={unread > 0 || added ? 'room-item unread' : 'room-item'}
          aria-current={current ? 'page' : undefined}
        >
          <span class="room-mark">
            <Icon name={room.visibility === 'private' ? 'lock' : 'hash'} size={18} />
          </span>
          <span class="room-item-text">
            <span class="room-item-top">
              <span class="room-item-name" dir="auto">
                {room.name}
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
              {added && unread === 0 && <span class="badge">New</span>}
              {unread > 0 && (
                <span class="badge">
                  {unread > 99 ? '99+' : unread}
                  <span class="visually-hidden"> unread</span>
                </span>
              )}
            </span>
          </span>
        </a>
      </li>
    );
  }
}

function Preview({ room: { last_message, topic } }: { room: Room }) {
  if (!last_message) return <>{topic || 'No messages yet'}</>;
  if (last_message.deleted) return <>Message deleted</>;
  return (
    <>
      <Name of={last_message} />: <Excerpt text={last_message.body} />
    </>
  );
}
