import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import { onKeys, sendsBy } from '../../browser/keys';
import { cleaned, codePoints, isBlank, tooLongText } from '../../browser/text';
import { useSession } from '../parts/context';
import { type CompletionKeys, CompletionPlace } from './CompletionPlace';
import { formatsBy } from './formatting';

interface MessageEditorProps {
  room_id: string;
  entry: MessageEntry;
  /** The draft under which an edit that is not finished is kept. */
  draft: string;
  onSave(body: string): void;
  /** The text was emptied. */
  onEmpty(): void;
  onClose(): void;
}

/** Changes the text of a message in its place. What is typed is kept until it is saved or cancelled. */
export function MessageEditor({
  room_id,
  entry,
  draft,
  onSave,
  onEmpty,
  onClose,
}: MessageEditorProps) {
  const { bodyLimit, drafts } = useSession();
  const area = useRef<HTMLTextAreaElement>(null);
  const [initial] = useState(() => drafts.get(draft) || entry.body);
  const [over, setOver] = useState(0);
  const opener = useRef<Element | null>(null);
  const completion = useRef<CompletionKeys['current']>(null);

  const grow = () => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
    setOver(codePoints(cleaned(element.value)) - bodyLimit.value);
  };

  useLayoutEffect(() => {
    grow();
    opener.current = document.activeElement;
    const element = area.current;
    element?.focus({ preventScroll: true });
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);

  const close = () => {
    drafts.set(draft, '');
    onClose();
    const from = opener.current;
    if (from instanceof HTMLElement && from.isConnected) from.focus({ preventScroll: true });
  };

  const save = () => {
    const body = cleaned(area.current?.value ?? '');
    if (codePoints(body) > bodyLimit.value) return;
    if (isBlank(body)) {
      onEmpty();
      return;
    }
    if (body !== entry.body) onSave(body);
    close();
  };

  return (
    <form
      class="message-editor"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div class="message-editor-field">
        <CompletionPlace field={area} room_id={room_id} keys={completion} />
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          defaultValue={initial}
          aria-label="Edit the message"
          aria-invalid={over > 0 ? 'true' : undefined}
          onInput={(event) => {
            drafts.set(draft, event.currentTarget.value);
            grow();
          }}
          onKeyDown={onKeys((event) => {
            if (completion.current?.(event)) return;
            if (event.key === 'Escape') close();
            else if (event.key === 'Enter' && sendsBy(event)) save();
            else if (!formatsBy(event, area.current)) return;
            event.preventDefault();
          })}
        />
      </div>
      <div class="message-editor-foot">
        <button type="button" class="button small" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="button small primary" disabled={over > 0}>
          Save
        </button>
        <span class="message-editor-note" role="status">
          {over > 0 ? tooLongText(over) : ''}
        </span>
      </div>
    </form>
  );
}
