import { Problem } from 'tailwire-client/wire/problem';
import type { Requests } from 'tailwire-client/wire/requests';
import { beforeEach, expect, test } from 'vitest';
import { Drafts } from '../../src/rooms/drafts';
import { RecentSearches } from '../../src/rooms/recent_searches';
import { Search } from '../../src/rooms/search';
import { ManualClock } from '../doubles/manual_clock';
import { ME, MemoryStorage, makeEvent, makeMessage } from '../make';

const ALL = { text: 'tea', room_id: null };

type Answer = Problem | { items: number[]; next_cursor?: string; terms?: string[] };

let answers: Answer[];
let asked: Record<string, unknown>[];
let clock: ManualClock;
let drafts: Drafts;
let search: Search;

beforeEach(() => {
  answers = [];
  asked = [];
  clock = new ManualClock();
  drafts = new Drafts(new MemoryStorage(), ME);
  const get = async (path: string, query: Record<string, unknown>) => {
    asked.push({ path, ...query });
    const answer = answers.shift() ?? { items: [] };
    if (answer instanceof Problem) throw answer;
    const { items, next_cursor = null, terms = ['tea'] } = answer;
    return { items: items.map((seq) => makeMessage(seq)), next_cursor, terms };
  };
  search = new Search({ clock, drafts, requests: { get } as unknown as Requests });
});

function seqs(): number[] {
  return search.items.value.map(({ seq }) => seq);
}

test('a query is looked for once, and older messages come page by page', async () => {
  answers = [{ items: [9, 8], next_cursor: 'c' }, { items: [3] }];
  search.show(ALL);
  expect(search.state.value).toBe('loading');
  await clock.advance(0);
  search.show({ ...ALL });
  expect(seqs()).toEqual([9, 8]);
  expect(search.terms.value).toEqual(['tea']);
  await search.more();
  expect(seqs()).toEqual([9, 8, 3]);
  expect(search.hasMore.value).toBe(false);
  expect(asked).toEqual([
    { path: 'search', q: 'tea', room_id: undefined, cursor: undefined },
    { path: 'search', q: 'tea', room_id: undefined, cursor: 'c' },
  ]);
});

test('an answer that comes after another query was asked is dropped', async () => {
  answers = [
    { items: [9], terms: ['old'] },
    { items: [7], terms: ['new'] },
  ];
  search.show(ALL);
  search.show({ text: 'milk', room_id: 'den' });
  await clock.advance(0);
  expect(seqs()).toEqual([7]);
  expect(search.terms.value).toEqual(['new']);
  expect(asked.at(-1)).toMatchObject({ q: 'milk', room_id: 'den' });
  expect(search.recent.list.value).toEqual(['milk']);
});

test('what passes by itself is tried again when the server says so', async () => {
  const indexing = { status: 503, code: 'indexing', done: 0.4, retry_after_seconds: 3 };
  const limited = new Problem({ status: 429, code: 'rate_limited', retry_after_seconds: 5 });
  answers = [new Problem(indexing), { items: [9], next_cursor: 'c' }, limited, { items: [3] }];
  search.show(ALL);
  await clock.advance(2_000);
  expect(search.problem.value?.done).toBe(0.4);
  await clock.advance(1_000);
  expect(search.problem.value).toBeNull();
  await search.more();
  expect(search.problem.value?.code).toBe('rate_limited');
  expect(seqs()).toEqual([9]);
  await search.more();
  expect(asked).toHaveLength(3);
  await clock.advance(5_000);
  expect(seqs()).toEqual([9, 3]);
});

test('another search ends the waiting of the one before', async () => {
  answers = [new Problem({ status: 503, code: 'indexing', retry_after_seconds: 3 }), { items: [] }];
  search.show(ALL);
  await clock.advance(0);
  search.clear();
  await clock.advance(10_000);
  expect(asked).toHaveLength(1);
  expect(search.query.value).toBeNull();
});

test('what does not pass by itself waits for the user', async () => {
  answers = [new Problem({ status: 0, code: 'unreachable' }), { items: [9] }];
  search.show(ALL);
  await clock.advance(60_000);
  expect(asked).toHaveLength(1);
  await search.again();
  expect(seqs()).toEqual([9]);
  expect(search.problem.value).toBeNull();
});

test('an edit and a delete change what is shown, also while a page is on its way', async () => {
  answers = [{ items: [9, 8], next_cursor: 'c' }, { items: [3] }];
  search.show(ALL);
  await clock.advance(0);
  search.opened = 'lobby 9';
  search.apply(makeEvent(20, { type: 'edit', target: 9, body: 'green tea' }));
  const more = search.more();
  search.apply(makeEvent(21, { type: 'delete', target: 8 }));
  search.apply(makeEvent(22, { type: 'delete', target: 9, room_id: 'den' }));
  search.apply(makeEvent(23, { type: 'edit', target: 8, body: 'late' }));
  await more;
  expect(search.items.value.map(({ body, deleted = false }) => [body, deleted])).toEqual([
    ['green tea', false],
    ['', true],
    ['message 3', false],
  ]);
  expect(search.opened).toBe('lobby 9');
});

test('the last searches are kept, each once, until log-out', () => {
  const recent = new RecentSearches(drafts);
  for (const query of ['one', 'two', 'one']) recent.searched(query);
  expect(recent.list.value).toEqual(['one', 'two']);
  for (let count = 0; count < 20; count++) recent.searched(`query ${count}`);
  expect(recent.list.value).toHaveLength(8);
  expect(recent.list.value[0]).toBe('query 19');
  drafts.forget();
  expect(recent.list.value).toEqual([]);
});
