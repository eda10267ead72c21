import { closeRule } from 'tailwire-client/wire/close_codes';
import { isEntry, parseEvent } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { messageHash, parseHash, personHash, threadHash } from '../../src/browser/router';
import { titleText } from '../../src/browser/title';

test('unknown fields are kept out of the way, unknown types ignored', () => {
  expect(parseEvent('{"type":"pong","server_time":"x","news":1}')).toMatchObject({ type: 'pong' });
  expect(parseEvent('{"type":"news"}')).toBeNull();
});

test('what has a place in the log and the key at is an entry, whatever its type', () => {
  const place = { room_id: 'lobby', seq: 3 };
  const parsed = (event: object) => parseEvent(JSON.stringify(event));
  const step = { type: 'unreadable', ...place };
  expect(parsed({ type: 'pin', ...place, at: 'now', user_id: 'u', username: 'u' })).toEqual(step);
  expect(parsed({ type: 'constructor', ...place, at: 'now' })).toEqual(step);
  expect(parsed({ type: 'unreadable', ...place, at: null })).toEqual(step);
  expect(parsed({ type: 'news', ...place })).toBeNull();
  expect(parsed({ type: 'pin', ...place, seq: 3.5, at: 'now' })).toBeNull();
});

test('an ack is no entry', () => {
  const event = parseEvent('{"type":"ack","ref":"r","room_id":"l","epoch":"e","seq":3,"at":"now"}');
  expect(event && isEntry(event)).toBe(false);
});

test('an event that lacks what its type must have is no event', () => {
  expect(parseEvent('{"type":"live","room_id":"lobby","epoch":"e"}')).toBeNull();
  expect(parseEvent('{"type":"live","room_id":"lobby","epoch":"e","seq":"1"}')).toBeNull();
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'a type named %s is unknown',
  (type) => {
    expect(parseEvent(JSON.stringify({ type }))).toBeNull();
  },
);

test('a read position is no entry of the log, whatever else it carries', () => {
  const read = { type: 'read', room_id: 'l', user_id: 'u', username: 'u', epoch: 'e', read_seq: 3 };
  const event = parseEvent(JSON.stringify({ ...read, seq: 3, at: 'now' }));
  expect(event).not.toBeNull();
  expect(event && isEntry(event)).toBe(false);
});

test('4500-4999 means stay away, everything else unknown means come back', () => {
  expect(closeRule(4500).action).toBe('stop');
  expect(closeRule(4499).action).toBe('reconnect');
  expect(closeRule(3000).action).toBe('reconnect');
  expect(closeRule(1006).action).toBe('reconnect');
});

test('only a well-formed room id in the hash is a room', () => {
  expect(parseHash('#/rooms/a-B_9')).toEqual({
    ...{ name: 'room', id: 'a-B_9', panel: null, thread: null, seq: null, person: null },
  });
  expect(parseHash('#/rooms/lobby/members')).toMatchObject({ panel: 'members', seq: null });
  expect(parseHash(messageHash('lobby', 17))).toMatchObject({ id: 'lobby', panel: null, seq: 17 });
  expect(parseHash(personHash('lobby', 'b-1'))).toMatchObject({ id: 'lobby', person: 'b-1' });
  expect(parseHash(threadHash('lobby', 17))).toMatchObject({ thread: 17, seq: null });
  expect(parseHash(threadHash('lobby', 17, 20))).toMatchObject({ thread: 17, seq: 20 });
  for (const place of [
    'threads',
    'threads/0',
    'threads/1/2/3',
    'threads/x',
    'messages/0',
    'messages/x',
    'messages/17x',
    'messages/9007199254740993',
  ])
    expect(parseHash(`#/rooms/lobby/${place}`)).toEqual({ name: 'home' });
  for (const hash of ['#/rooms/', '#/rooms/a/b', '#/rooms/<img src=x>', '#/rooms/%2e%2e', ''])
    expect(parseHash(hash)).toEqual({ name: 'home' });
});

test('the title says how much is unread', () => {
  expect(titleText('Lobby', 3)).toBe('(3) Lobby · Tailwire');
  expect(titleText(null, 0)).toBe('Tailwire');
  expect(titleText(null, 1000)).toBe('(99+) Tailwire');
});
