import { expect, test } from 'vitest';
import { parseHash } from '../../src/browser/router';
import {
  asksForSomething,
  begunAt,
  completed,
  partsOf,
  searchHash,
  withBegun,
  withFilter,
  without,
} from '../../src/rooms/query';

test('a query is words, phrases and filters', () => {
  const parts = partsOf('tea -"hot milk" from:ann -in:"My room" FROM:me foo:bar');
  expect(parts.map(({ filter, value, isExcluded }) => [filter, value, isExcluded])).toEqual([
    [null, 'tea', false],
    [null, 'hot milk', true],
    ['from', 'ann', false],
    ['in', 'My room', true],
    ['from', 'me', false],
    [null, 'foo:bar', false],
  ]);
  expect(partsOf('a „green tea“').at(-1)).toMatchObject({ value: 'green tea', from: 2, to: 13 });
  expect(partsOf('"open to the end')).toMatchObject([{ value: 'open to the end' }]);
  expect(partsOf('   ')).toEqual([]);
});

test('a filter is added, takes the place of a date, and goes away again', () => {
  expect(withFilter('tea', 'from', 'ann')).toBe('tea from:ann');
  expect(withFilter('tea from:ann', 'from', 'ann')).toBe('tea from:ann');
  expect(withFilter('from:ann tea', 'from', 'bob')).toBe('from:ann tea from:bob');
  expect(withFilter('after:2026-01-01 tea', 'after', '2026-02-01')).toBe('tea after:2026-02-01');
  expect(withFilter('', 'in', 'My room')).toBe('in:"My room"');
  const isIn = ({ filter }: { filter: string | null }) => filter === 'in';
  expect(without('tea in:"My room" milk', isIn)).toBe('tea milk');
  expect(without('in:a in:b', isIn)).toBe('');
});

test('a filter that is begun is completed where the caret stands', () => {
  const begun = withBegun('tea from:', 'from');
  expect(begun).toBe('tea from:');
  const part = begunAt(begun, begun.length);
  expect(part).toMatchObject({ filter: 'from', value: '' });
  expect(part && completed(begun, part, 'ann')).toEqual({ text: 'tea from:ann ', caret: 13 });
  const inside = begunAt('tea -in:my milk', 10);
  expect(inside && completed('tea -in:my milk', inside, 'My room')).toEqual({
    ...{ text: 'tea -in:"My room" milk', caret: 18 },
  });
  expect(begunAt('from:ann tea', 12)).toBeNull();
  expect(begunAt('from:ann ', 9)).toBeNull();
});

test('nothing is looked for where nothing is written', () => {
  for (const query of ['', ' ', 'from:', '""', '-']) expect(asksForSomething(query)).toBe(false);
  for (const query of ['a', 'from:me', '-a']) expect(asksForSomething(query)).toBe(true);
});

test('the address of a search leads to it', () => {
  for (const [text, room] of [
    ['tea & "milk" #1', 'den'],
    ['100 %', null],
    ['', null],
  ] as const)
    expect(parseHash(searchHash(text, room))).toEqual({ name: 'search', text, room });
  expect(parseHash('#/search')).toEqual({ name: 'search', text: '', room: null });
});
