import { signal } from '@preact/signals';
import type { Place } from 'tailwire-client/wire/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { finderOf } from '../../src/rooms/finding';
import { Names } from '../../src/rooms/names';
import { RoomList } from '../../src/rooms/room_list';
import { Rooms } from '../../src/rooms/rooms';
import { Titles } from '../../src/rooms/titles';
import { ME, MemoryStorage, makeRoom } from '../make';

const names = new Names();
const openRoomId = signal<string | null>(null);
let rooms: Rooms;
let storage: MemoryStorage;
let list: RoomList;

const user = (username: string, display_name = username) => ({
  ...{ id: `${username}-id`, username, display_name },
});
const me = { ...user('alice'), id: ME };
const place = (change: Partial<Place> = {}) => ({
  ...{ favourite: false, section: null, hidden: false },
  ...change,
});
const put = (id: string, change: Partial<Place> = {}, more: object = {}) =>
  rooms.put(makeRoom({ id, name: id, place: place(change), ...more }));
const direct = (id: string, ...others: ReturnType<typeof user>[]) =>
  put(id, {}, { kind: 'direct', name: '', visibility: 'private', users: [me, ...others] });
const look = (text: string) => {
  list.wanted.value = finderOf(text, new Titles(names, ME));
};
const shown = () =>
  list.groups.value
    .filter(({ rooms }) => rooms.length > 0)
    .map(({ kind, section, rooms }) => [section || kind, rooms.map(({ id }) => id).join(' ')]);

beforeEach(() => {
  rooms = new Rooms();
  openRoomId.value = null;
  storage = new MemoryStorage();
  list = new RoomList({ rooms, openRoomId, storage });
});

describe('the room list', () => {
  test('has favourites first, then the own sections by name, then rooms and direct rooms', () => {
    put('lobby');
    put('plans', { section: 'Work' });
    put('garden', { section: 'Home' });
    put('news', { favourite: true, section: 'Work' });
    direct('d1', user('bob'));
    expect(shown()).toEqual([
      ['favourites', 'news'],
      ['Home', 'garden'],
      ['Work', 'plans'],
      ['rooms', 'lobby'],
      ['direct', 'd1'],
    ]);
    expect(list.order.value.map(({ id }) => id)).toEqual([
      'news',
      'garden',
      'plans',
      'lobby',
      'd1',
    ]);
    expect(list.sections.value).toEqual(['Home', 'Work']);
  });

  test('has places for rooms and direct rooms also where there are none', () => {
    expect(list.groups.value.map(({ kind }) => kind)).toEqual(['rooms', 'direct']);
  });

  test('shows a hidden room when it is open, mentions the user, is looked for, or all are shown', () => {
    put('lobby');
    put('old', { hidden: true });
    expect([shown(), list.hiddenCount.value]).toEqual([[['rooms', 'lobby']], 1]);
    look('OL');
    expect(shown()).toEqual([['hidden', 'old']]);
    look('');
    openRoomId.value = 'old';
    expect(shown()).toContainEqual(['hidden', 'old']);
    openRoomId.value = null;
    list.withHidden.value = true;
    expect(shown()).toContainEqual(['hidden', 'old']);
    list.withHidden.value = false;
    rooms.change('old', { mention_count: 1 });
    expect([shown(), list.hiddenCount.value]).toEqual([[['rooms', 'lobby old']], 0]);
  });

  test('finds direct rooms by the names and usernames of the others, and not by the own one', () => {
    direct('d1', user('bob', 'Jérôme'), user('carol'));
    direct('d2', user('dave'));
    put('lobby');
    for (const [typed, found] of [
      ['jerome', 'd1'],
      ['bo', 'd1'],
      ['alice', ''],
      ['ave', 'd2'],
      ['  ', 'lobby d1 d2'],
    ]) {
      look(typed ?? '');
      expect(list.order.value.map(({ id }) => id).join(' '), typed).toBe(found);
    }
  });

  test('shows of a folded group only unread rooms and the open one, also after a reload', () => {
    put('lobby');
    put('plans', { section: 'Work' });
    put('news', { section: 'Work' }, { unread_count: 2 });
    put('open', { section: 'Work' });
    openRoomId.value = 'open';
    list.fold({ kind: 'section', section: 'Work' }, true);
    expect(shown()).toEqual([
      ['Work', 'news open'],
      ['rooms', 'lobby'],
    ]);
    list = new RoomList({ rooms, openRoomId, storage });
    expect(list.order.value.map(({ id }) => id)).toEqual(['news', 'open', 'lobby']);
    look('plans');
    expect(shown()).toEqual([['Work', 'plans']]);
    look('');
    list.fold({ kind: 'section', section: 'Work' }, false);
    expect(list.order.value).toHaveLength(4);
  });

  test('shows only unread rooms, and the open one, where that is wanted', () => {
    put('lobby');
    put('news', {}, { unread_count: 2 });
    put('plans');
    openRoomId.value = 'plans';
    list.unreadOnly.value = true;
    expect(shown()).toEqual([['rooms', 'news plans']]);
  });
});

test('a direct room is called by the present names of the others', () => {
  const titles = new Titles(names, ME);
  const room = makeRoom({
    kind: 'direct',
    name: '',
    users: [me, user('bob', 'Bob B'), user('eve')],
  });
  expect(titles.of(room)).toBe('Bob B, eve');
  names.learn('bob-id', 'Robert');
  expect(titles.of(room)).toBe('Robert, eve');
  expect(titles.of({ ...room, users: [me] })).toBe('Nobody else');
  expect(titles.of(makeRoom({ name: 'Lobby', users: [] }))).toBe('Lobby');
});
