import { type Signal, signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { type MessageEntry, messageEntry } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Drafts } from '../../src/rooms/drafts';
import { Names } from '../../src/rooms/names';
import type { Session } from '../../src/session';
import { AppContext, SessionContext } from '../../src/views/parts/context';
import { Composer } from '../../src/views/timeline/Composer';
import { messageParts } from '../doubles/parts';
import { MemoryStorage, makeMessage, makeRoom } from '../make';
import { root } from './stage';

describe('the composer', () => {
  let drafts: Drafts;
  let said: [body: string, reply_to: number | null][];
  let replyTo: Signal<MessageEntry | null>;
  let editedLast: number;
  let wait: number;
  let session: Session;
  /** The files of the draft; null where the part that knows them is not loaded. */
  let attached: readonly unknown[] | null;
  let room: Room;

  beforeEach(() => {
    drafts = new Drafts(new MemoryStorage(), 'alice-id');
    said = [];
    editedLast = 0;
    wait = 0;
    room = makeRoom();
    replyTo = signal(null);
    attached = null;
    const say = (_: string, body: string, reply_to: number | null) => said.push([body, reply_to]);
    session = {
      drafts,
      names: new Names(),
      bodyLimit: signal(20),
      say,
      typing: { in: () => [], pressed: () => {} },
      slowMode: { left: () => wait },
      files: {
        get loaded() {
          return attached && { uploads: { in: () => attached, say } };
        },
      },
    } as unknown as Session;
    show();
  });

  const show = () =>
    act(() =>
      render(
        <AppContext.Provider value={messageParts()}>
          <SessionContext.Provider value={session}>
            <Composer
              room={room}
              draft="lobby"
              label="Message Lobby"
              replyTo={replyTo}
              onSent={() => {}}
              onEditLast={() => {
                editedLast++;
                return true;
              }}
            />
          </SessionContext.Provider>
        </AppContext.Provider>,
        root,
      ),
    );

  const area = () => root.querySelector('textarea') as HTMLTextAreaElement;
  const type = (text: string) =>
    act(() => {
      area().value = text;
      area().dispatchEvent(new Event('input', { bubbles: true }));
    });
  const press = (options: KeyboardEventInit) =>
    act(() => {
      const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...options });
      area().dispatchEvent(event);
    });

  test('Enter sends what was typed and empties the box', () => {
    type('hello  ');
    press({ key: 'Enter' });
    expect(said).toEqual([['hello', null]]);
    expect(area().value).toBe('');
    expect(drafts.get('lobby')).toBe('');
  });

  test('Shift+Enter sends nothing', () => {
    type('hello');
    press({ key: 'Enter', shiftKey: true });
    expect(said).toEqual([]);
  });

  test('Enter that ends a word of an input method sends nothing', () => {
    type('こんにちは');
    press({ key: 'Enter', isComposing: true });
    expect(said).toEqual([]);
  });

  test('Escape cancels the reply, but not while an input method composes', () => {
    act(() => {
      replyTo.value = messageEntry(makeMessage(7));
    });
    press({ key: 'Escape', isComposing: true });
    press({ key: 'Escape', keyCode: 229 });
    expect(root.querySelector('.composer-reply')).not.toBeNull();
    press({ key: 'Escape' });
    expect(root.querySelector('.composer-reply')).toBeNull();
  });

  test('on a phone Enter breaks the line, and the button sends', () => {
    vi.spyOn(window, 'matchMedia').mockReturnValue({ matches: true } as MediaQueryList);
    type('hello');
    press({ key: 'Enter' });
    expect(said).toEqual([]);
    press({ key: 'Enter', ctrlKey: true });
    expect(said).toEqual([['hello', null]]);
    type('  more');
    act(() => root.querySelector<HTMLButtonElement>('.send-button')?.click());
    expect(said[1]).toEqual(['  more', null]);
  });

  test('the arrow up edits the last message where nothing is written, and moves in the text otherwise', () => {
    press({ key: 'ArrowUp', shiftKey: true });
    press({ key: 'ArrowUp', isComposing: true });
    expect(editedLast).toBe(0);
    press({ key: 'ArrowUp' });
    expect(editedLast).toBe(1);
    type('hello');
    press({ key: 'ArrowUp' });
    expect(editedLast).toBe(1);
  });

  test.each<[Partial<Room>, string]>([
    [{ role: 'reader' }, 'You can read here. Writing is for members.'],
    [{ post_role: 'moderator' }, 'You can read here. Only moderators write.'],
    [{ role: 'owner', archived: true }, 'This room is archived.'],
  ])('in a room with %j it says why nothing can be written', (fields, text) => {
    type('half a tho');
    room = makeRoom(fields);
    show();
    expect(root.querySelector('textarea')).toBeNull();
    expect(root.textContent).toContain(text);
    room = makeRoom({ post_role: 'member' });
    show();
    expect(area().value).toBe('half a tho');
  });

  test('slow mode counts down, sends nothing before its end, and keeps what is typed', () => {
    room = makeRoom({ slow_seconds: 30 });
    show();
    const note = () => root.querySelector('[role=timer]')?.textContent;
    expect(note()).toBe('Slow mode: 30 seconds between two messages.');
    wait = 1_500;
    type('hello');
    expect(note()).toBe('Slow mode: you can write again in 2 seconds.');
    press({ key: 'Enter' });
    expect([said, area().value]).toEqual([[], 'hello']);
    wait = 0;
    type('hello!');
    press({ key: 'Enter' });
    expect(said).toEqual([['hello!', null]]);
  });

  test('whoever governs a room is not slowed', () => {
    wait = 1_500;
    room = makeRoom({ role: 'owner', slow_seconds: 30 });
    show();
    expect(root.querySelector('[role=timer]')).toBeNull();
    type('hello');
    press({ key: 'Enter' });
    expect(said).toHaveLength(1);
  });

  test('a message without a text is sent where it has files', () => {
    attached = [];
    show();
    type(' \n ');
    press({ key: 'Enter' });
    expect(said).toEqual([]);
    attached = [{}];
    press({ key: 'Enter' });
    expect(said).toEqual([['', null]]);
  });

  test('an empty message is not sent', () => {
    type(' \n ');
    press({ key: 'Enter' });
    expect(said).toEqual([]);
  });

  test('the counter appears near the limit, and beyond it nothing is sent', () => {
    type('short');
    expect(root.querySelector('.composer-count')?.textContent).toBe('');
    type('😀'.repeat(20));
    expect(root.querySelector('.composer-count')?.textContent).toContain('0');
    type('😀'.repeat(21));
    expect(root.querySelector('.composer-count')?.textContent).toBe('1 character too long');
    type('😀'.repeat(120));
    expect(root.querySelector('.composer-count')?.textContent).toBe('100 characters too long');
    press({ key: 'Enter' });
    expect(said).toEqual([]);
  });

  test('what is typed is kept as the draft of its room', () => {
    type('half a tho');
    expect(drafts.get('lobby')).toBe('half a tho');
    expect(drafts.get('other')).toBe('');
  });

  test('messages written faster than the page is drawn are each sent, and once', () => {
    const texts = Array.from({ length: 200 }, (_, number) => `message ${number}`);
    act(() => {
      for (const text of texts) {
        for (const letter of text) {
          area().value += letter;
          area().dispatchEvent(new Event('input', { bubbles: true }));
        }
        area().dispatchEvent(
          new KeyboardEvent('keydown', { bubbles: true, cancelable: true, key: 'Enter' }),
        );
      }
    });
    expect(said).toEqual(texts.map((text) => [text, null]));
    expect(area().value).toBe('');
  });

  test('of two messages sent before the page is drawn again only the first is the reply', () => {
    act(() => {
      replyTo.value = messageEntry(makeMessage(7));
    });
    act(() => {
      for (const text of ['the reply', 'the next']) {
        area().value = text;
        area().dispatchEvent(
          new KeyboardEvent('keydown', { bubbles: true, cancelable: true, key: 'Enter' }),
        );
      }
    });
    expect(said).toEqual([
      ['the reply', 7],
      ['the next', null],
    ]);
  });

  test('the button sends text that came without an event', () => {
    area().value = 'dictated';
    act(() => root.querySelector<HTMLButtonElement>('.send-button')?.click());
    expect(said).toEqual([['dictated', null]]);
  });
});
