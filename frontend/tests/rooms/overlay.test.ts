import type { PendingChange, PendingState, WhatToChange } from 'tailwire-client/rooms/pending';
import { apply, messageEntry } from 'tailwire-client/rooms/timeline';
import type { LinkPreview } from 'tailwire-client/wire/files';
import { expect, test } from 'vitest';
import { bySeq, lastOwn, overlaid } from '../../src/rooms/overlay';
import { AT, ME, makeEvent, makeMessage, makeTimeline } from '../make';

let refs = 0;

function change(
  what: WhatToChange,
  { seq = 5, epoch = 'e1', state = 'waiting' as PendingState } = {},
): PendingChange {
  const command = { ...what, room_id: 'lobby', epoch, seq, ref: `ref-${++refs}` };
  return { command, at: AT, state, seq: null, epoch, error: null, attempts: 0 };
}

const entry = messageEntry(makeMessage(5));
const shown = (...whats: WhatToChange[]) =>
  overlaid(
    entry,
    whats.map((what) => change(what)),
    ME,
  );

test('a message looks as its pending changes will make it, in their order', () => {
  expect(shown({ type: 'edit', body: 'one' }, { type: 'edit', body: 'two' })).toMatchObject({
    ...{ body: 'two', edited_at: AT },
  });
  expect(shown({ type: 'react', emoji: '👍' })).toMatchObject({
    reactions: [{ emoji: '👍', count: 1, user_ids: [ME] }],
  });
  expect(shown({ type: 'react', emoji: '👍' }, { type: 'unreact', emoji: '👍' }).reactions).toEqual(
    [],
  );
  const previews = [{ url: 'https://a.example/', title: 'A' } as LinkPreview];
  const linked = { ...entry, previews };
  expect(overlaid(linked, [change({ type: 'remove_previews' })], ME).previews).toEqual([]);
  expect(shown({ type: 'pin' })).toMatchObject({ pinned: true });
  expect(shown({ type: 'edit', body: 'one' }, { type: 'delete' })).toMatchObject({
    ...{ body: '', deleted: true },
  });
});

test('a change that failed, or that is none of this message, leaves it as it is', () => {
  const failed = change({ type: 'delete' }, { state: 'failed' });
  expect(overlaid(entry, [failed], ME)).toBe(entry);
  const others = [change({ type: 'delete' }, { seq: 6 }), change({ type: 'pin' }, { epoch: 'e0' })];
  expect([...bySeq(others, 'e1').keys()]).toEqual([6]);
});

test('the last own message is the one that was not deleted, here or by a pending command', () => {
  const timeline = [
    makeEvent(1, { user_id: ME }),
    makeEvent(2, { user_id: ME }),
    makeEvent(3, { user_id: ME }),
    makeEvent(4),
    makeEvent(5, { type: 'delete', target: 3 }),
  ].reduce(apply, makeTimeline(0));
  expect(lastOwn(timeline, new Map(), ME)).toBe(2);
  const pending = bySeq([change({ type: 'delete' }, { seq: 2 })], 'e1');
  expect(lastOwn(timeline, pending, ME)).toBe(1);
  expect(lastOwn({ ...timeline, loaded_to: 4 }, new Map(), ME)).toBeNull();
  expect(lastOwn(timeline, new Map(), 'carol-id')).toBeNull();
});
