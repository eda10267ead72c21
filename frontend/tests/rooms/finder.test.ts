import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import type { UsersApi } from 'tailwire-client/wire/api/users';
import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import { beforeEach, expect, test } from 'vitest';
import { Finder, type Found } from '../../src/rooms/finder';
import { fitOf, plain } from '../../src/rooms/finding';
import { Names } from '../../src/rooms/names';
import { Rooms } from '../../src/rooms/rooms';
import { Titles } from '../../src/rooms/titles';
import { ManualClock } from '../doubles/manual_clock';
import { ME, makeRoom } from '../make';

const user = (username: string): PublicUser => ({
  ...{ id: `${username}-id`, username, display_name: username },
});
const me = { ...user('alice'), id: ME };

let rooms: Rooms;
let clock: ManualClock;
let finder: Finder;
let people: PublicUser[];
let publicRooms: Room[];
let asked: string[];

function make(hasDirect = true) {
  const page = <T>(items: T[]) => Promise.resolve({ items, next_cursor: null });
  const list = (_: string, _cursor?: string, named?: string) => {
    asked.push(`room ${named}`);
    return page(publicRooms);
  };
  const find = (text: string) => {
    asked.push(`user ${text}`);
    return page(people);
  };
  return new Finder({
    ...{ user_id: ME, rooms, clock, hasDirect },
    titles: new Titles(new Names(), ME),
    publicRooms: { list } as unknown as RoomsApi,
    users: { find } as unknown as UsersApi,
  });
}

beforeEach(() => {
  rooms = new Rooms();
  clock = new ManualClock();
  people = [];
  publicRooms = [];
  asked = [];
  rooms.put(makeRoom({ id: 'lobby', name: 'Lobby' }));
  rooms.put(makeRoom({ id: 'bots', name: 'Robots' }));
  finder = make();
});

const textOf = (found: Found) =>
  `${found.kind} ${found.kind === 'person' ? found.user.username : found.room.name}`;
const found = (text: string) => finder.found(text).map(textOf);

test('the own rooms are found at once, and what the server finds comes after a pause', async () => {
  people = [user('bob'), me];
  publicRooms = [
    makeRoom({ id: 'boats', name: 'Boats' }),
    makeRoom({ id: 'bots', name: 'Robots' }),
  ];
  finder.look('bo');
  expect(found('bo')).toEqual(['room Robots']);
  await clock.advance(1_000);
  expect(asked).toEqual(['room bo', 'user bo']);
  expect(found('bo')).toEqual(['person bob', 'public Boats', 'room Robots']);
});

test('what was found for an earlier text is not offered for another one', async () => {
  people = [user('bob')];
  publicRooms = [makeRoom({ id: 'boats', name: 'Boats' })];
  finder.look('bo');
  await clock.advance(1_000);
  expect(found('lob')).toEqual(['room Lobby']);
});

test('a person is offered once: as the room of two where there is one', async () => {
  const direct = { kind: 'direct' as const, name: '', visibility: 'private' as const };
  rooms.put(makeRoom({ id: 'd1', ...direct, users: [me, user('bob')] }));
  rooms.put(makeRoom({ id: 'd2', ...direct, users: [me, user('bob'), user('bobby')] }));
  people = [user('bob'), user('bobby')];
  finder.look('@bob');
  await clock.advance(1_000);
  expect(
    finder.found('@bob').map((one) => (one.kind === 'person' ? one.user.id : one.room.id)),
  ).toEqual(['d1', 'bobby-id', 'd2']);
});

test('nobody is offered where the server has no direct rooms', async () => {
  people = [user('bob')];
  finder = make(false);
  finder.look('bob');
  await clock.advance(1_000);
  expect([found('bob'), asked]).toEqual([[], ['room bob']]);
});

test('where nothing is typed, the rooms used last are offered, and the server is not asked', async () => {
  finder.look('');
  await clock.advance(1_000);
  expect([found(''), asked]).toEqual([['room Lobby', 'room Robots'], []]);
});

test.each([
  ['Release plans', 'rel', 0],
  ['Release plans', 'PLA', 1],
  ['Release plans', 'lease', 2],
  ['Release plans', 'plan b', null],
  ['Jérôme', 'jero', 0],
  ['Größe', 'grosse', 0],
  ['ﬁnance', 'fin', 0],
  ['İstanbul', 'ist', 0],
])('%s fits %s as %j', (name, typed, fit) => {
  expect(fitOf([name], plain(typed))).toBe(fit);
});

test('a person is found before the larger direct rooms in which they are', () => {
  const users = [me, user('bea'), user('carl')];
  rooms.put(makeRoom({ id: 'd', kind: 'direct', name: '', users }));
  const names = (text: string) =>
    finder.found(text).map((one) => (one.kind === 'person' ? one.user.username : one.room.id));
  expect(names('carl')).toEqual(['carl', 'd']);
  expect(names('bea')).toEqual(['bea', 'd']);
  expect(names('bea, carl')).toEqual(['d']);
});
