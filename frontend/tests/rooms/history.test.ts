import { Api } from 'tailwire-client/wire/api/api';
import { expect, test } from 'vitest';
import { History } from '../../src/rooms/history';
import { Timelines } from '../../src/rooms/timelines';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock, settled } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';
import { makePage } from '../make';

function makeHistory() {
  const clock = new ManualClock();
  const http = new ScriptedApi();
  const tokens = new TokenStore(clock, null);
  tokens.signedIn({ access_token: 'a', refresh_token: 'r', token_type: 'bearer', expires_in: 900 });
  const timelines = new Timelines();
  const foreign: string[] = [];
  const history = new History({
    messages: new Api('https://chat.example/', tokens, http.fetch).messages,
    timelines,
    onPage: () => {},
    onDoubt: () => {},
    onForeignEpoch: (room_id) => foreign.push(room_id),
  });
  timelines.ensure('lobby', { epoch: 'e1', seq: 100 });
  const shown = () => timelines.get('lobby')?.value.entries.map(({ seq }) => seq);
  return { http, timelines, history, shown, foreign };
}

const MESSAGES = 'GET /rooms/lobby/messages';

test('pages are asked for from the oldest message on, one at a time', async () => {
  const { http, history, shown } = makeHistory();
  http.on(MESSAGES, { body: makePage([99, 100], { has_more: true }) });
  void history.older('lobby');
  void history.older('lobby');
  await settled();
  http.on(MESSAGES, { body: makePage([97, 98]) });
  await history.older('lobby');
  expect(http.sent(MESSAGES).map(({ query }) => query.get('before'))).toEqual(['101', '99']);
  expect(shown()).toEqual([97, 98, 99, 100]);
});

test('pages are asked for with the entries between the messages', async () => {
  const { http, history } = makeHistory();
  http.on(MESSAGES, { body: makePage([99, 100], { has_more: true }) });
  await history.older('lobby');
  await history.around('lobby', 50);
  expect(http.sent(MESSAGES).map(({ query }) => query.get('entries'))).toEqual(
    Array(3).fill('true'),
  );
});

test('a request that another one replaced changes nothing when it is answered', async () => {
  const { http, history, shown } = makeHistory();
  let answer: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  http.on(MESSAGES, async () => {
    await late;
    return { body: makePage([99, 100]) };
  });
  const older = history.older('lobby');
  await settled();
  http.on(MESSAGES, ({ query }) => ({
    body: makePage(query.has('before') ? [48, 49] : [50, 51], { has_more: true }),
  }));
  await history.around('lobby', 50);
  answer();
  await older;
  expect(shown()).toEqual([48, 49, 50, 51]);
  expect(history.state('lobby')).toBe('idle');
});

test.each([
  ['older', 'older'],
  ['newer', 'newer'],
] as const)('a failure at the %s end is tried again there', async (_, end) => {
  const { http, history } = makeHistory();
  const query = (recorded: { query: URLSearchParams }) =>
    makePage(recorded.query.has('before') ? [48, 49] : [50, 51], { has_more: true });
  http.on(MESSAGES, (recorded) => ({ body: query(recorded) }));
  await history.around('lobby', 50);
  http.on(MESSAGES, { status: 503, body: { code: 'unavailable' } });
  await history[end]('lobby');
  expect(history.failed('lobby')).toBe(end);
  http.on(MESSAGES, (recorded) => ({ body: query(recorded) }));
  await history.again('lobby');
  expect(history.failed('lobby')).toBeNull();
  const last = http.sent(MESSAGES).at(-1)?.query;
  expect(last?.has(end === 'older' ? 'before' : 'after')).toBe(true);
});

test('at the beginning of the room nothing more is asked', async () => {
  const { http, history } = makeHistory();
  http.on(MESSAGES, { body: makePage([1]) });
  await history.older('lobby');
  await history.older('lobby');
  expect(http.sent(MESSAGES)).toHaveLength(1);
});

test('a page that a reset has made useless is asked for again where the room now stands', async () => {
  const { http, history, timelines, shown } = makeHistory();
  http.on(MESSAGES, () => {
    timelines.reset('lobby', { epoch: 'e1', seq: 900 });
    http.on(MESSAGES, { body: makePage([899, 900]) });
    return { body: makePage([99, 100]) };
  });
  await history.older('lobby');
  await settled();
  expect(shown()).toEqual([899, 900]);
  expect(http.sent(MESSAGES).at(-1)?.query.get('before')).toBe('901');
});

test('a page of another epoch is reported and not asked for in a circle', async () => {
  const { http, history, shown, foreign } = makeHistory();
  http.on(MESSAGES, { body: makePage([1], { epoch: 'e2' }) });
  await history.older('lobby');
  await settled();
  expect(shown()).toEqual([]);
  expect(foreign).toEqual(['lobby']);
  expect(http.sent(MESSAGES)).toHaveLength(1);
});

test('a page that cannot be loaded can be asked for again', async () => {
  const { http, history, shown } = makeHistory();
  http.on(MESSAGES, { status: 503, body: { code: 'unavailable' } });
  await history.older('lobby');
  expect(history.state('lobby')).toBe('failed');
  http.on(MESSAGES, { body: makePage([100]) });
  await history.older('lobby');
  expect(shown()).toEqual([100]);
});
