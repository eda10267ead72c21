import type { Signal } from '@preact/signals';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import { waitText } from 'tailwire-client/wire/problem';
import type { Room } from 'tailwire-client/wire/protocol';
import { insertText } from '../../browser/field';
import { hasModifier, isCoarse, onKeys, sendsBy } from '../../browser/keys';
import { cleaned, codePoints, isBlank, tooLongText } from '../../browser/text';
import { closedBy, slowness } from '../../rooms/permissions';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { LazyDialog } from '../parts/LazyDialog';
import { Name } from '../parts/Name';
import { Body } from './Body';
import { type CompletionKeys, CompletionPlace } from './CompletionPlace';
import { Excerpt } from './Excerpt';
import { loadMessageViews } from './load';
import { useWait } from './slow';
import { TrayPlace } from './TrayPlace';

// With fewer characters left than this, the composer shows how many.
const COUNTER_FROM = 0.9;

const CLOSED = {
  archived: 'This room is archived. You can read it, but nobody writes in it any more.',
  reader: 'You can read here. Writing is for members.',
  role: 'You can read here. Only moderators write.',
};

interface ComposerProps {
  room: Room;
  /** The name of the draft. */
  draft: string;
  /** What the field is called. */
  label: string;
  /** The message that is answered where none was chosen; null in a room. */
  answers?: number | null;
  /** The message that the next one answers. Read when sending, as it was cleared by the last one. */
  replyTo: Signal<MessageEntry | null>;
  onSent(): void;
  /** Edits the user's last message. Returns false where there is none. */
  onEditLast(): boolean;
}

export function Composer(props: ComposerProps) {
  const { room, draft, label, answers = null, replyTo, onSent, onEditLast } = props;
  const session = useSession();
  const { drafts } = session;
  const uploads = session.files.loaded?.uploads;
  const { parts, router } = useApp();
  const later = parts.of(loadMessageViews);
  const area = useRef<HTMLTextAreaElement>(null);
  // The element keeps its text itself. The draft is a copy of it, for the next time.
  const id = useId();
  const text = drafts.get(draft);
  const answered = replyTo.value;
  const [initial] = useState(text);
  const [picking, setPicking] = useState(false);
  const [showMarks, setShowMarks] = useState(false);
  const [previews, setPreviews] = useState(false);
  const MarkBar = showMarks ? later.value?.MarkBar : undefined;
  const limit = session.bodyLimit.value;
  const count = text.length > limit * COUNTER_FROM ? codePoints(cleaned(text)) : 0;
  const left = limit - count;
  const isEmpty = (body: string) => isBlank(body) && !uploads?.in(draft).length;
  const closed = closedBy(room);
  const slow = slowness(room);
  const wait = useWait(room);
  const completion = useRef<CompletionKeys['current']>(null);

  // On a phone, the focus would open the keyboard over the messages. It comes with the drawing: later it
  // might be taken from where the user went meanwhile. Who follows a link to a message will stand on that.
  useLayoutEffect(() => {
    const route = router.route.peek();
    const isLinked = route.name === 'room' && route.seq !== null;
    if (!isLinked && !isCoarse()) area.current?.focus();
  }, []);
  // At once: the next key is the first of the answer, and no key that acts on the message.
  useLayoutEffect(() => {
    if (answered) area.current?.focus();
  }, [answered]);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    // Another tab may have gone on with the draft. What is typed here is in the draft at once.
    const newest = drafts.peek(draft);
    if (element.value !== newest) element.value = newest;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
    // Where it was closed, the element is a new one.
  }, [text, draft, drafts, closed]);

  if (closed) return <p class="composer-closed">{CLOSED[closed]}</p>;

  const send = () => {
    const element = area.current;
    if (!element) return;
    const body = cleaned(element.value);
    if (isEmpty(body) || codePoints(body) > limit || wait > 0) return;
    // Emptied here and not by the next rendering: a key may be pressed before it.
    element.value = '';
    drafts.set(draft, '');
    const { say } = uploads ?? session;
    say(room.id, isBlank(body) ? '' : body, replyTo.peek()?.seq ?? answers, draft);
    replyTo.value = null;
    onSent();
    element.focus();
  };

  const togglePreview = () => setPreviews((before) => !before);

  const onKeyDown = onKeys((event) => {
    if (completion.current?.(event)) return;
    const isPreview = event.ctrlKey && event.altKey && event.key.toLowerCase() === 'p';
    if (isPreview) togglePreview();
    if (isPreview || later.loaded?.formatsBy(event, area.current)) {
      event.preventDefault();
      return;
    }
    if (event.key === 'Escape' && replyTo.peek()) {
      replyTo.value = null;
      event.preventDefault();
    }
    const isEmpty = area.current?.value === '';
    if (event.key === 'ArrowUp' && isEmpty && !hasModifier(event) && onEditLast())
      event.preventDefault();
    if (event.key !== 'Enter' || !sendsBy(event)) return;
    event.preventDefault();
    send();
  });

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {answers === null && <Typists room={room} />}
      {answered && (
        <div class="composer-reply">
          <Icon name="reply" size={16} />
          <p>
            Replying to{' '}
            <strong>
              <Name of={answered} />
            </strong>
            <span class="composer-quote" dir="auto">
              <Excerpt text={answered.body} />
            </span>
          </p>
          <button
            type="button"
            class="icon-button"
            aria-label="Cancel the reply"
            onClick={() => {
              replyTo.value = null;
            }}
          >
            <Icon name="close" size={16} />
          </button>
        </div>
      )}
      {previews && (
        <section class="composer-preview" aria-label="Preview">
          {isBlank(text) ? (
            <p>What you write is shown here as others will see it.</p>
          ) : (
            <Body text={cleaned(text)} />
          )}
        </section>
      )}
      {MarkBar && (
        <MarkBar
          id={`${id}-marks`}
          previews={previews}
          onMark={(mark) => area.current && later.loaded?.format(area.current, mark)}
          onPreview={togglePreview}
        />
      )}
      {slow > 0 && (
        <p class="composer-slow" role="timer">
          Slow mode:{' '}
          {wait > 0
            ? `you can write again in ${waitText(wait)}.`
            : `${waitText(slow)} between two messages.`}
        </p>
      )}
      <div class={left < 0 ? 'composer-box over' : 'composer-box'}>
        <CompletionPlace field={area} room_id={room.id} keys={completion} />
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          defaultValue={initial}
          placeholder={label}
          aria-label={label}
          enterkeyhint={isCoarse() ? 'enter' : 'send'}
          aria-describedby={`${id}-hint`}
          aria-invalid={left < 0 ? 'true' : undefined}
          onInput={(event) => {
            drafts.set(draft, event.currentTarget.value);
            session.typing.pressed(room.id);
          }}
          onKeyDown={onKeyDown}
        />
        <TrayPlace field={area} room_id={room.id} draft={draft} />
        <span class="composer-count" aria-live={left < 0 ? 'polite' : 'off'}>
          {left < 0
            ? tooLongText(-left)
            : count > 0 && (
                <>
                  {left}
                  <span class="visually-hidden"> characters left</span>
                </>
              )}
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label="Formatting"
          title="Formatting"
          aria-expanded={showMarks}
          aria-controls={`${id}-marks`}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => setShowMarks(!showMarks)}
        >
          <Icon name="text" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label="Emoji"
          title="Emoji"
          onClick={() => setPicking(true)}
        >
          <Icon name="smile" />
        </button>
        <button
          type="submit"
          class={isEmpty(text) || left < 0 || wait > 0 ? 'send-button idle' : 'send-button'}
          aria-label="Send"
          title="Send"
        >
          <Icon name="send" />
        </button>
      </div>
      <p id={`${id}-hint`} class="composer-hint">
        <kbd>Enter</kbd> to send, <kbd>Shift</kbd>+<kbd>Enter</kbd> for a new line
      </p>
      <LazyDialog
        title="Pick an emoji"
        open={picking}
        load={loadMessageViews}
        show={({ EmojiPicker }) => (
          <EmojiPicker
            onPick={(emoji) => area.current && insertText(area.current, emoji)}
            onClose={() => setPicking(false)}
          />
        )}
        onClose={() => setPicking(false)}
        beside
      />
    </form>
  );
}

function Typists({ room }: { room: Room }) {
  const { typing } = useSession();
  const [first, second, third] = typing.in(room.id);
  if (!first) return <p class="typists" />;
  if (third) return <p class="typists">Several people are typing…</p>;
  return (
    <p class="typists">
      <Name of={first} />
      {second && (
        <>
          {' and '}
          <Name of={second} />
        </>
      )}
      {second ? ' are typing…' : ' is typing…'}
    </p>
  );
}
