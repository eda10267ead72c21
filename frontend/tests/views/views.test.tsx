import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { messageEntry } from 'tailwire-client/rooms/timeline';
import { closeRule } from 'tailwire-client/wire/close_codes';
import type { Connection, ConnectionState } from 'tailwire-client/wire/connection';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Drafts } from '../../src/rooms/drafts';
import { Names } from '../../src/rooms/names';
import type { Row } from '../../src/rooms/rows';
import type { Session } from '../../src/session';
import { AppContext, SessionContext } from '../../src/views/parts/context';
import { ConnectionBanner } from '../../src/views/shell/ConnectionBanner';
import type { Acts } from '../../src/views/timeline/acts';
import { MessageRow } from '../../src/views/timeline/MessageRow';
import { messageParts } from '../doubles/parts';
import { MemoryStorage, makeMessage } from '../make';
import { root } from './stage';

describe('the banner', () => {
  const show = (state: ConnectionState, outdated = false) => {
    const connection = { state: signal(state) } as unknown as Connection;
    act(() => render(<ConnectionBanner connection={connection} outdated={outdated} />, root));
  };
  const said = () => root.querySelector('.banner-words')?.textContent ?? '';
  const button = () => root.querySelector('.banner button')?.textContent;

  test('of a version that is not spoken offers to reload', () => {
    show({ phase: 'stopped', text: closeRule(4503).text, code: 4503 });
    expect(said()).toContain('Reload to get the new version.');
    expect(button()).toBe('Reload');
  });

  test('of a live page offers to reload when a newer build is served', () => {
    show({ phase: 'live' });
    expect(root.querySelector('.banner')).toBeNull();
    show({ phase: 'live' }, true);
    expect(said()).toContain('Reload to get the new version.');
    expect(button()).toBe('Reload');
  });
});

test('drafts survive a reload, and are not those of the next user', () => {
  const storage = new MemoryStorage();
  new Drafts(storage, 'alice-id').set('lobby', 'half a tho');
  expect(new Drafts(storage, 'alice-id').get('lobby')).toBe('half a tho');
  expect(new Drafts(storage, 'bob-id').get('lobby')).toBe('');
  new Drafts(storage, 'alice-id').forget();
  expect(storage.length).toBe(0);
});

test('drafts of two tabs stand side by side, and each tab shows those of the other', () => {
  const storage = new MemoryStorage();
  const [here, there] = [new Drafts(storage, 'alice-id'), new Drafts(storage, 'alice-id')];
  here.set('lobby', 'half a tho');
  there.set('garden', 'another');
  here.heard('tailwire.drafts.bob-id');
  expect(here.has('garden')).toBe(false);
  here.heard('tailwire.drafts.alice-id');
  expect([here.get('lobby'), here.get('garden')]).toEqual(['half a tho', 'another']);
  there.set('lobby', '');
  here.heard('tailwire.drafts.alice-id');
  expect([here.has('lobby'), here.has('garden')]).toEqual([false, true]);
});

test('the drafts that were not touched for longest are forgotten', () => {
  const drafts = new Drafts(new MemoryStorage(), 'alice-id');
  for (let n = 0; n < 200; n++) drafts.set(`room ${n}`, 'half a tho');
  drafts.set('room 0', 'half a thought');
  drafts.set('room 200', 'one more');
  expect([drafts.has('room 0'), drafts.has('room 1'), drafts.has('room 2')]).toEqual([
    true,
    false,
    true,
  ]);
});

describe('a message row', () => {
  let names: Names;
  const blocked = signal<readonly string[]>([]);
  const isUnknown = signal(false);
  const blocks = {
    has: (user_id: string) => blocked.value.includes(user_id),
    isUnknown: () => isUnknown.value,
  };
  let acted: unknown[][];

  beforeEach(() => {
    names = new Names();
    blocked.value = [];
    isUnknown.value = false;
    acted = [];
  });

  const onRetry = vi.fn();
  const show = (row: Extract<Row, { kind: 'message' | 'pending' }>) =>
    act(() =>
      render(
        <AppContext.Provider value={messageParts()}>
          <SessionContext.Provider
            value={
              {
                names,
                blocks,
                members: { of: () => undefined },
                usernames: { of: () => null },
              } as unknown as Session
            }
          >
            <MessageRow
              row={row}
              me={{ user_id: 'alice-id', username: 'alice' }}
              quoted={undefined}
              highlighted={false}
              room_id="lobby"
              root={null}
              abilities={{
                reply: true,
                react: true,
                edit: true,
                delete: true,
                pin: false,
                thread: false,
                report: false,
              }}
              isEdited={false}
              acts={{ act: (...what: unknown[]) => acted.push(what) } as unknown as Acts}
              onQuote={() => {}}
              onRetry={onRetry}
              onDiscard={() => {}}
            />
          </SessionContext.Provider>
        </AppContext.Provider>,
        root,
      ),
    );
  const pending = {
    command: { type: 'send' as const, ref: 'r1', room_id: 'lobby', body: 'hello' },
    at: '2026-01-05T12:00:00.000Z',
    seq: null,
    attempts: 1,
  };

  test('the echo changes the pending row in place', () => {
    show({
      kind: 'pending',
      key: 'ref r1',
      leads: true,
      pending: { ...pending, state: 'sent', error: null },
    });
    const before = root.querySelector('.message .body');
    expect(root.textContent).toContain('Sending');
    const entry = messageEntry(makeMessage(11, { username: 'alice', body: 'hello' }));
    show({ kind: 'message', key: 'ref r1', leads: true, entry, changes: [] });
    expect(root.querySelector('.message .body')).toBe(before);
    expect(root.textContent).not.toContain('Sending');
  });

  test('what somebody wrote whom the user blocked is shown only where the user wants to see it', () => {
    const entry = messageEntry(makeMessage(11, { body: 'rude' }));
    show({ kind: 'message', key: 'seq 11', leads: true, entry, changes: [] });
    expect(root.textContent).toContain('rude');
    act(() => {
      blocked.value = ['bob-id'];
    });
    expect(root.textContent).not.toContain('rude');
    act(() => root.querySelector<HTMLButtonElement>('.tombstone button')?.click());
    expect(root.textContent).toContain('rude');
    act(() => {
      isUnknown.value = true;
    });
    expect(root.querySelector('.veiled')?.textContent).toContain('rude');
  });

  test('a failed message says why and can be retried', () => {
    const failed = {
      ...pending,
      state: 'failed' as const,
      error: 'You are not allowed to do this.',
    };
    show({ kind: 'pending', key: 'ref r1', leads: true, pending: failed });
    expect(root.querySelector('[role=alert]')?.textContent).toContain(
      'Not sent. You are not allowed to do this.',
    );
    act(() => root.querySelector<HTMLButtonElement>('.link-button')?.click());
    expect(onRetry).toHaveBeenCalledWith('r1');
  });

  test('a name that is learned later is shown with the username, and leaves the avatar as it was', () => {
    const entry = messageEntry(makeMessage(11, { user_id: 'grace-id', username: 'grace_h' }));
    show({ kind: 'message', key: 'seq 11', leads: true, entry, changes: [] });
    const avatar = () => root.querySelector('.avatar')?.outerHTML;
    const before = avatar();
    expect(root.querySelector('.avatar')?.textContent).toBe('GH');
    expect(root.querySelector('.message-author')?.textContent).toBe('grace_h');
    expect(root.querySelector('.username')).toBeNull();
    act(() => names.learn('grace-id', 'Amazing Grace'));
    expect(root.querySelector('.message-author')?.textContent).toBe('Amazing Grace');
    expect(root.querySelector('.username')?.textContent).toBe('@grace_h');
    expect(avatar()).toBe(before);
  });

  test('a pending change says so, and one that failed can be retried', () => {
    const entry = messageEntry(makeMessage(11, { body: 'better' }));
    const command = {
      ...{ type: 'edit' as const, room_id: 'lobby', epoch: 'e1', seq: 11, ref: 'r2' },
      body: 'better',
    };
    const change = { ...pending, command, state: 'waiting' as const, error: null };
    const row = { kind: 'message' as const, key: 'seq 11', leads: true, entry };
    show({ ...row, changes: [change] });
    expect(root.querySelector('.message-status')?.textContent).toBe('Waiting to be sent');
    show({ ...row, changes: [{ ...change, state: 'failed', error: 'No answer.' }] });
    expect(root.querySelector('[role=alert]')?.textContent).toContain(
      'The edit was not saved. No answer.',
    );
    act(() => root.querySelector<HTMLButtonElement>('.message-failure button')?.click());
    expect(onRetry).toHaveBeenCalledWith('r2');
  });

  test('reactions say how many and who, and which are the own ones', () => {
    names.suggest('bob-id', 'Bob');
    const reactions = [
      { emoji: '👍', count: 25, user_ids: ['alice-id', 'bob-id', 'gone-id'] },
      { emoji: '🎉', count: 1, user_ids: ['bob-id'] },
    ];
    const entry = messageEntry(makeMessage(11, { reactions }));
    show({ kind: 'message', key: 'seq 11', leads: true, entry, changes: [] });
    const chips = [...root.querySelectorAll<HTMLElement>('.reaction[data-emoji]')];
    expect(chips.map((chip) => chip.getAttribute('aria-pressed'))).toEqual(['true', 'false']);
    expect(chips.map(({ title }) => title)).toEqual([
      'You, Bob, and 23 others reacted with 👍',
      'Bob reacted with 🎉',
    ]);
    expect(chips[0]?.textContent).toBe('👍 25');
  });

  test('a long message is folded until it is opened', () => {
    const entry = messageEntry(makeMessage(11, { body: 'line\n'.repeat(60) }));
    show({ kind: 'message', key: 'seq 11', leads: true, entry, changes: [] });
    const button = () => root.querySelector<HTMLButtonElement>('.fold');
    expect(root.querySelector('.folded .body')).not.toBeNull();
    act(() => button()?.click());
    expect(root.querySelector('.folded')).toBeNull();
    expect(button()?.textContent).toBe('Show less');
  });

  test('a deleted message is a tombstone', () => {
    const entry = messageEntry(makeMessage(11, { body: '', deleted: true }));
    show({ kind: 'message', key: 'seq 11', leads: true, entry, changes: [] });
    expect(root.textContent).toContain('This message was deleted.');
    expect(root.querySelector('.body')).toBeNull();
  });
});
