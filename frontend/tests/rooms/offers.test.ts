import type { PublicUser } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { Names } from '../../src/rooms/names';
import { filtersIn, filterText, nameInQuery, type Offer, offersFor } from '../../src/rooms/offers';
import { partsOf } from '../../src/rooms/query';
import { Titles } from '../../src/rooms/titles';
import { ME, makeRoom } from '../make';

const user = (username: string): PublicUser => ({
  ...{ id: `${username}-id`, username, display_name: `The ${username}` },
});
const titles = new Titles(new Names(), ME);
const me = { ...user('alice'), id: ME };
const direct = (...users: PublicUser[]) =>
  makeRoom({ id: `d${users.length}`, name: '', kind: 'direct', users: [me, ...users] });
const ROOMS = [
  makeRoom({ id: 'den', name: 'My den' }),
  makeRoom({ id: 'one', name: 'Twins' }),
  makeRoom({ id: 'two', name: 'twins' }),
  direct(user('bob')),
  direct(user('bob'), user('mallory')),
];

function values(query: string, features = ['pin', 'threads', 'mentions']): string[] {
  const part = partsOf(query).at(-1);
  if (!part) return [];
  const people = [user('bob'), user('mallory')];
  const offers = offersFor({ part, rooms: ROOMS, people, titles, features: new Set(features) });
  return offers.map((offer: Offer) => (offer.kind === 'recent' ? offer.text : offer.value));
}

test('people are offered by a part of their names, and the user themselves', () => {
  expect(values('from:')).toEqual(['me', 'bob', 'mallory']);
  expect(values('from:m')).toEqual(['me', 'mallory']);
  expect(values('from:@bo')).toEqual(['bob']);
  expect(values('from:bob')).toEqual([]);
});

test('a room is named so that the server finds that one', () => {
  expect(values('in:den')).toEqual(['My den']);
  expect(values('in:twins')).toEqual(['one', 'two']);
  expect(values('in:bob')).toEqual(['@bob', 'd2']);
  expect(ROOMS.map((room) => nameInQuery(room, ROOMS, titles))).toEqual([
    ...['My den', 'one', 'two', '@bob', 'd2'],
  ]);
});

test('of the few values of a filter those are offered that the server has', () => {
  expect(values('has:')).toEqual(['link', 'pin']);
  expect(values('has:', ['files'])).toEqual(['link', 'file']);
  expect(values('is:t')).toEqual(['thread']);
  expect(values('after:')).toEqual([]);
});

test('a filter is told in words', () => {
  const query = 'tea from:ann -has:pin after:2026-11-29 is:thread in:';
  expect(filtersIn(query).map((part) => filterText(part, (day) => `<${day}>`))).toEqual([
    ...['From ann', 'not pinned', 'Since <2026-11-29>', 'A reply in a thread'],
  ]);
});
