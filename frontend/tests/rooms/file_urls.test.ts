/** The addresses of files: asked for together, and renewed before they end. */

import { Problem, unreachable } from 'tailwire-client/wire/problem';
import { beforeEach, expect, test } from 'vitest';
import { FileUrls } from '../../src/rooms/file_urls';
import { ManualClock } from '../doubles/manual_clock';

let clock: ManualClock;
let asked: string[];
let failure: Problem | null;
let urls: FileUrls;

beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  failure = null;
  let count = 0;
  const addresses = async (file_ids: readonly string[], thumb: boolean) => {
    asked.push(`${file_ids.join(' ')}${thumb ? ' thumb' : ''}`);
    count += 1;
    if (failure) throw failure;
    return file_ids
      .filter((file_id) => file_id !== 'gone')
      .map((file_id) => ({
        file_id,
        url: `https://other.example/files/${file_id}/${count}.sign/name.png`,
        expires_at: '',
      }));
  };
  urls = new FileUrls({ addresses }, clock);
});

test('what is shown at once is asked for together, and only its path is used', async () => {
  urls.hold('a', true);
  urls.hold('b', true);
  urls.hold('a', false);
  await clock.advance(100);
  expect(asked).toEqual(['a b thumb', 'a']);
  expect(urls.of('b', true).value).toBe('files/b/1.sign/name.png');
  expect(urls.of('a', false).value).toBe('files/a/2.sign/name.png');
});

test('what is drawn while others are asked for has its address when it comes', async () => {
  urls.hold('a', true);
  const drawn = urls.of('b', true);
  await clock.advance(100);
  urls.hold('b', true);
  await clock.advance(100);
  expect(asked).toEqual(['a thumb', 'b thumb']);
  expect(drawn.value).toBe('files/b/2.sign/name.png');
});

test('below a path of another site, an address begins at the page', async () => {
  const url = 'https://other.example/chat/files/a/1.sign/files';
  const below = new FileUrls(
    { addresses: async () => [{ file_id: 'a', url, expires_at: '' }] },
    clock,
  );
  below.hold('a', false);
  await clock.advance(100);
  expect(below.of('a', false).value).toBe('files/a/1.sign/files');
});

test('more than a hundred are asked for in several requests', async () => {
  for (let number = 0; number < 101; number++) urls.hold(`${number}`, true);
  await clock.advance(100);
  expect(asked.map((list) => list.split(' ').length - 1)).toEqual([100, 1]);
});

test('an address that is shown is renewed before it ends, and one that is not is left', async () => {
  urls.hold('a', true);
  const release = urls.hold('b', true);
  await clock.advance(100);
  release();
  await clock.advance(4 * 60_000 - 200);
  expect(asked).toEqual(['a b thumb']);
  await clock.advance(1_000);
  expect(asked).toEqual(['a b thumb', 'a thumb']);
  expect(urls.of('a', true).value).toBe('files/a/2.sign/name.png');
});

test('an address that still holds is not asked for again', async () => {
  urls.hold('a', true)();
  await clock.advance(100);
  asked = [];
  urls.hold('a', true);
  await clock.advance(100);
  urls.hold('a', true);
  await clock.advance(100);
  expect(asked).toEqual(['a thumb']);
});

test('what nobody may see has no address', async () => {
  urls.hold('gone', false);
  await clock.advance(100);
  expect(urls.of('gone', false).value).toBeNull();
});

test('after a break the addresses are asked for again', async () => {
  failure = unreachable();
  urls.hold('a', true);
  await clock.advance(100);
  expect(urls.of('a', true).value).toBeNull();
  failure = null;
  await clock.advance(6_000);
  expect(urls.of('a', true).value).toBe('files/a/2.sign/name.png');
});

test('where nothing is left, an address is forgotten', async () => {
  urls.hold('a', true);
  await clock.advance(100);
  failure = new Problem({ status: 404, code: 'not_found' });
  await clock.advance(5 * 60_000);
  expect(urls.of('a', true).value).toBeNull();
});
