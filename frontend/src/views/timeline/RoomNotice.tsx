import { type ComponentChild, Fragment } from 'preact';
import type { AllSettings } from 'tailwire-client/rooms/settings';
import { waitText } from 'tailwire-client/wire/problem';
import { differing } from '../../rooms/room_changes';

interface RoomNoticeProps {
  now: AllSettings;
  /** The room before; null where it is not known. */
  before: AllSettings | null;
}

const TEXTS: Record<keyof AllSettings, (now: AllSettings) => ComponentChild> = {
  name: ({ name }) => <>renamed the room to {quoted(name)}</>,
  topic: ({ topic }) =>
    topic ? <>changed the topic to {quoted(topic)}</> : <>removed the topic</>,
  visibility: ({ visibility }) =>
    visibility === 'public' ? 'made the room public' : 'made the room private',
  post_role: ({ post_role }) =>
    post_role === 'moderator' ? 'lets only moderators write' : 'lets all members write',
  slow_seconds: ({ slow_seconds }) =>
    slow_seconds > 0
      ? `set slow mode to ${waitText(slow_seconds)} between two messages`
      : 'ended slow mode',
  archived: ({ archived }) =>
    archived ? 'archived the room' : 'brought the room back from the archive',
  avatar: ({ avatar }) => (avatar ? 'changed the picture' : 'removed the picture'),
};
const NAMES = Object.keys(TEXTS) as (keyof AllSettings)[];

/** What of a room was changed. It follows the name of who did it. */
export function RoomNotice({ now, before }: RoomNoticeProps) {
  if (!before)
    return (
      <>
        changed the room: {quoted(now.name)}
        {now.topic && <>, {quoted(now.topic)}</>}
      </>
    );
  const changed = differing(before, now);
  const texts = NAMES.filter((name) => name in changed).map((name) => TEXTS[name](now));
  if (texts.length === 0) return <>changed the room</>;
  return (
    <>
      {texts.map((text, at) => (
        <Fragment key={at}>
          {at > 0 && (at === texts.length - 1 ? ' and ' : ', ')}
          {text}
        </Fragment>
      ))}
    </>
  );
}

function quoted(text: string): ComponentChild {
  return (
    <>
      “<bdi>{text}</bdi>”
    </>
  );
}
