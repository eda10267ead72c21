import { expect, test } from 'vitest';
import { History } from '../../src/rooms/history';
import { Timelines } from '../../src/rooms/timelines';
import { Api } from '../../src/wire/api/api';
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
