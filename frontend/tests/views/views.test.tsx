import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Drafts } from '../../src/rooms/drafts';
import { Names } from '../../src/rooms/names';
import type { Row } from '../../src/rooms/rows';
import { messageEntry } from '../../src/rooms/timeline';
import type { Session } from '../../src/session';
import { SessionContext } from '../../src/views/parts/context';
import { ConnectionBanner } from '../../src/views/shell/ConnectionBanner';
import { Body } from '../../src/views/timeline/Body';
import { MessageRow } from '../../src/views/timeline/MessageRow';
import { closeRule } from '../../src/wire/close_codes';
import type { Connection, ConnectionState } from '../../src/wire/connection';
import { MemoryStorage, makeMessage } from '../make';
import { root } from './stage';

describe('a message body', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg onload=alert(1)>',
    '</textarea><b>bold</b>',
    '[x](javascript:alert(1))',
    '&lt;b&gt;',
  ])('%s is text and nothing else', (text) => {
    act(() => render(<Body text={text} />, root));
    expect(root.textContent).toBe(text);
    expect(root.querySelectorAll('.body *')).toHaveLength(0);
  });

  test('links open elsewhere and tell that place nothing', () => {
    act(() => render(<Body text="see https://a.example/x." />, root));
    const link = root.querySelector('a');
    expect(link?.getAttribute('href')).toBe('https://a.example/x');
    expect(link?.rel).toBe('noopener noreferrer nofollow');
    expect(link?.target).toBe('_blank');
    expect(root.textContent).toBe('see https://a.example/x.');
  });
});

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

describe('a message row', () => {
  let names: Names;

  beforeEach(() => {
    names = new Names();
  });

  const onRetry = vi.fn();
  const show = (row: Extract<Row, { kind: 'message' | 'pending' }>) =>
    act(() =>
      render(
        <SessionContext.Provider value={{ names } as unknown as Session}>
          <MessageRow
            row={row}
            me={{ user_id: 'alice-id', username: 'alice' }}
            quoted={undefined}
            highlighted={false}
            onReply={() => {}}
            onQuote={() => {}}
            onRetry={onRetry}
            onDiscard={() => {}}
          />
        </SessionContext.Provider>,
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
    show({ kind: 'message', key: 'ref r1', leads: true, entry });
    expect(root.querySelector('.message .body')).toBe(before);
    expect(root.textContent).not.toContain('Sending');
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
    show({ kind: 'message', key: 'seq 11', leads: true, entry });
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

  test('a deleted message is a tombstone', () => {
    const entry = messageEntry(makeMessage(11, { body: '', deleted: true }));
    show({ kind: 'message', key: 'seq 11', leads: true, entry });
    expect(root.textContent).toContain('This message was deleted.');
    expect(root.querySelector('.body')).toBeNull();
  });
});
