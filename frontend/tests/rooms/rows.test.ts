import type { PendingMessage } from 'tailwire-client/rooms/pending';
import { apply } from 'tailwire-client/rooms/timeline';
import { expect, test } from 'vitest';
import { rowsOf, settingsBefore } from '../../src/rooms/rows';
import { ME, makeEvent, makeTimeline } from '../make';

const entriesOf = (...events: Record<string, unknown>[]) =>
  events
    .map((fields, index) => makeEvent(index + 1, { at: '2026-01-05T12:00:00.000Z', ...fields }))
    .reduce(apply, makeTimeline(0)).entries;

const rows = (
  entries: ReturnType<typeof entriesOf>,
  {
    pending = [],
    divider = null,
    isDirect = false,
  }: { pending?: PendingMessage[]; divider?: number | null; isDirect?: boolean } = {},
) => rowsOf({ entries, pending, changes: new Map(), settings: null, divider, me: ME, isDirect });

const makePending = (ref: string): PendingMessage => ({
  command: { type: 'send', ref, room_id: 'lobby', body: 'hello' },
  at: '2026-01-05T12:00:00.000Z',
  state: 'sent',
  seq: null,
  error: null,
  attempts: 1,
});

const leads = (list: ReturnType<typeof rows>) =>
  list.flatMap((row) => ('leads' in row ? row.leads : []));

test('messages of one author within five minutes stand under one heading', () => {
  const entries = entriesOf(
    {},
    { at: '2026-01-05T12:04:59.000Z' },
    { at: '2026-01-05T12:10:00.000Z' },
    { at: '2026-01-05T12:10:01.000Z', user_id: 'carol-id', username: 'carol' },
  );
  expect(leads(rows(entries))).toEqual([true, false, true, true]);
});

test('that its people came into a direct room is not told, but that one is gone is', () => {
  const member = { type: 'member', user_id: 'carol-id', username: 'carol', by: 'carol-id' };
  const entries = entriesOf({ ...member, role: 'member' }, {}, { ...member, role: null });
  const inDirect = rows(entries, { isDirect: true });
  expect(inDirect.map(({ kind }) => kind)).toEqual(['day', 'message', 'notice']);
  expect(inDirect.at(-1)?.key).toBe('seq 3');
  expect(rows(entries).map(({ kind }) => kind)).toEqual(['day', 'notice', 'message', 'notice']);
});

test('a new day gets its own line', () => {
  const entries = entriesOf({}, { at: '2026-01-07T12:00:00.000Z' });
  expect(rows(entries).map(({ kind }) => kind)).toEqual(['day', 'message', 'day', 'message']);
});

test('the unread line stands before the first message of another after the read position', () => {
  const entries = entriesOf({}, { user_id: ME }, {}, {});
  const kinds = rows(entries, { divider: 1 }).map(({ kind }) => kind);
  expect(kinds).toEqual(['day', 'message', 'message', 'unread', 'message', 'message']);
});

test('without anything unread there is no unread line', () => {
  const entries = entriesOf({}, { user_id: ME });
  expect(rows(entries, { divider: 1 }).map(({ kind }) => kind)).not.toContain('unread');
});

test('the echo of a pending message takes over its row', () => {
  const pending = rows(entriesOf({}), { pending: [makePending('r1')] });
  const echoed = rows(entriesOf({}, { user_id: ME, username: 'alice', ref: 'r1' }));
  expect(echoed.map(({ key }) => key)).toEqual(pending.map(({ key }) => key));
});

test('the ref of another user is no key of ours', () => {
  const list = rows(entriesOf({ ref: 'r1' }), { pending: [makePending('r1')] });
  expect(new Set(list.map(({ key }) => key)).size).toBe(list.length);
});

test('a notice ends the group', () => {
  const entries = entriesOf({}, { type: 'member', role: 'member' }, {});
  expect(leads(rows(entries))).toEqual([true, true]);
});

test('what is told of a room is told with how it was before', () => {
  const named = (name: string) => ({ type: 'room', name, visibility: 'public' });
  const entries = entriesOf(
    { type: 'member', role: 'owner', by: 'bob-id' },
    named('Den'),
    {},
    named('Cave'),
    named('Hall'),
  );
  const told = rows(entries).flatMap((row) =>
    row.kind === 'notice' && row.entry.notice.type === 'room'
      ? [[row.before?.name, row.entry.notice.name]]
      : [],
  );
  // That it was made with a name is no change.
  expect(told).toEqual([
    ['Den', 'Cave'],
    ['Cave', 'Hall'],
  ]);
  expect(settingsBefore(entries, 3)?.name).toBe('Den');
  expect(settingsBefore(entries, 1)).toBe(null);
});

test('a change before which nothing is known of the room is told as well', () => {
  const entries = entriesOf({}, {}, { type: 'room', name: 'Cave', visibility: 'public' });
  expect(rows(entries).at(-1)).toMatchObject({ kind: 'notice', before: null });
});
