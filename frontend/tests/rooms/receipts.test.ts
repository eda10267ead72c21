import type { Member } from 'tailwire-client/wire/protocol';
import { beforeEach, expect, test } from 'vitest';
import { Receipts } from '../../src/rooms/receipts';
import { AT, ME } from '../make';

let receipts: Receipts;

beforeEach(() => {
  receipts = new Receipts(ME);
});

const tell = (username: string, read_seq: number, epoch = 'e1') =>
  receipts.told('lobby', { user_id: `${username}-id`, username, epoch, read_seq });
const seen = (seq: number, epoch = 'e1') =>
  receipts.seenBy('lobby', { epoch, seq }).map(({ username }) => username);
const member = (username: string, read_seq?: number | null): Member => ({
  ...{ user_id: `${username}-id`, username, display_name: username, role: 'member' as const },
  ...{ joined_at: AT, read_seq },
});

test('a message is seen by those who have read as far', () => {
  tell('bob', 7);
  tell('carol', 9);
  expect(seen(8)).toEqual(['carol']);
  expect(seen(7)).toEqual(['bob', 'carol']);
  expect(receipts.seenBy('den', { epoch: 'e1', seq: 1 })).toEqual([]);
});

test('a receipt never falls within an epoch, and one of another epoch counts for nothing', () => {
  tell('bob', 9);
  tell('bob', 4);
  expect(seen(9)).toEqual(['bob']);
  expect(seen(1, 'e2')).toEqual([]);
  tell('bob', 2, 'e2');
  expect([seen(2, 'e2'), seen(1)]).toEqual([['bob'], []]);
});

test('a list of members has the receipts of the others, where the server tells them', () => {
  receipts.listed('lobby', 'e1', [member('bob', 5), member('carol', null), member('alice', 9)]);
  receipts.listed('lobby', 'e1', [member('dora')]);
  expect(seen(0)).toEqual(['bob']);
});

test('who has left the room has seen nothing', () => {
  tell('bob', 9);
  receipts.left('lobby', 'bob-id');
  receipts.left('lobby', 'nobody');
  expect(seen(1)).toEqual([]);
});
