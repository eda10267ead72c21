import { expect, test } from 'vitest';
import { Freshness } from '../../src/browser/freshness';

test('what was learned after a question makes the answer outdated, for that subject only', () => {
  const freshness = new Freshness();
  freshness.learned('den');
  const asked = freshness.ask();
  expect(freshness.isOutdated('den', asked)).toBe(false);
  freshness.learned('den');
  expect(freshness.isOutdated('den', asked)).toBe(true);
  expect(freshness.isOutdated('lobby', asked)).toBe(false);
  expect(freshness.isOutdated('den', freshness.ask())).toBe(false);
});

test('of two answers the one that was asked for last counts, whichever comes first', () => {
  const freshness = new Freshness();
  const [first, second, third] = [freshness.ask(), freshness.ask(), freshness.ask()];
  expect(freshness.accepts('list', first)).toBe(true);
  expect(freshness.accepts('list', third)).toBe(true);
  expect(freshness.accepts('list', second)).toBe(false);
  expect(freshness.accepts('other', second)).toBe(true);
});
