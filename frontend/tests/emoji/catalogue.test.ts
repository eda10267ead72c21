import { expect, test } from 'vitest';
import { Catalogue } from '../../src/emoji/catalogue';
import { RecentEmoji } from '../../src/emoji/recent';
import { MemoryStorage } from '../make';

const catalogue = new Catalogue();
const found = (text: string) => catalogue.search(text).map(({ emoji }) => emoji);

test.each([
  ['smile', '😄'],
  ['+1', '👍'],
  ['thumbsup', '👍'],
  ['heart', '❤️'],
  ['tada', '🎉'],
  ['white_check_mark', '✅'],
  ['rotating_light', '🚨'],
  ['large_green_circle', '🟢'],
  ['orca', '🫍'],
])('%s is a name, as GitHub or Slack has it', (name, emoji) => {
  expect(catalogue.named(name)).toBe(emoji);
});

test.each(['', 'constructor', '__proto__', 'nothing_like_it', 'Smile'])('%j is none', (name) => {
  expect(catalogue.named(name)).toBeNull();
});

test('every emoji has a name, and no two have the same one', () => {
  const all = catalogue.groups.flatMap(({ items }) => items);
  const names = all.flatMap((one) => one.names);
  expect(all.length).toBeGreaterThan(1_800);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !/^[a-z0-9_+-]{1,64}$/.test(name))).toEqual([]);
});

test('a search finds by the beginnings of words, and the best name first', () => {
  expect(found('smile')[0]).toBe('😄');
  expect(found(':tad')[0]).toBe('🎉');
  expect(found('face joy')).toContain('😂');
  expect(found('  GREEN   hea ')).toEqual(['💚']);
  expect(found('nothing like it')).toEqual([]);
  expect(found('a').length).toBe(96);
  // Only the first name of an emoji is shown.
  const shown = catalogue.search(':ta').map(({ names }) => names[0] ?? '');
  expect(shown.slice(0, 5).filter((name) => !name.startsWith('ta'))).toEqual([]);
});

test('recent emoji are newest first, each once, and survive a reload until log-out', () => {
  const storage = new MemoryStorage();
  const recent = new RecentEmoji(storage);
  for (const emoji of ['😄', '🎉', '😄']) recent.picked(emoji);
  expect(new RecentEmoji(storage).list.value).toEqual(['😄', '🎉']);
  for (let count = 0; count < 30; count++) recent.picked(`${count}`);
  expect(recent.list.value).toHaveLength(24);
  recent.forget();
  expect(new RecentEmoji(storage).list.value).toEqual([]);
});

test.each(['{', '{}', '"x"', '[1, null, {}]'])('%s where recent emoji are kept is none', (text) => {
  const storage = new MemoryStorage();
  storage.setItem('tailwire.emoji', text);
  expect(new RecentEmoji(storage).list.value).toEqual([]);
});
