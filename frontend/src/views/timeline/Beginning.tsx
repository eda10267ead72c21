import type { ComponentChild } from 'preact';
import type { Room } from 'tailwire-client/wire/protocol';
import { RoomTitle } from '../parts/RoomTitle';

interface BeginningProps {
  room: Room;
  atStart: boolean;
  loading: boolean;
  failed: boolean;
  bare: boolean;
  onLoad(): void;
  welcome?: ComponentChild;
}

/**
 * Shown above the first message: the beginning of the room, or a button that loads older messages.
 */
export function Beginning({
  room,
  atStart,
  loading,
  failed,
  bare,
  onLoad,
  welcome,
}: BeginningProps) {
  if (atStart)
    return (
      <div class="beginning">
        <h2 dir="auto">
          <RoomTitle room={room} />
        </h2>
        <p>
          {room.kind === 'direct'
            ? 'Only the people of this room can see what is said here.'
            : 'This is the beginning of the room.'}
        </p>
        {welcome}
      </div>
    );
  if (failed)
    return (
      <p class="callout danger" role="alert">
        Older messages cannot be loaded.{' '}
        <button type="button" class="link-button" onClick={onLoad}>
          Try again
        </button>
      </p>
    );
  if (bare && loading) return <SkeletonMessages />;
  return (
    <button type="button" class="load-older" disabled={loading} onClick={onLoad}>
      {loading ? 'Loading older messages…' : 'Load older messages'}
    </button>
  );
}

export function SkeletonMessages() {
  return (
    <div aria-hidden="true">
      {['', 'long', 'short', '', 'long'].map((width, index) => (
        <div class="skeleton-message" key={index}>
          <span class="skeleton block" />
          <span class="skeleton-lines">
            <span class="skeleton line short" />
            <span class={`skeleton line ${width}`} />
          </span>
        </div>
      ))}
    </div>
  );
}
