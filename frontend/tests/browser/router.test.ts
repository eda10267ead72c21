import { beforeEach, expect, test } from 'vitest';
import { membersHash, personHash, Router, roomHash, threadHash } from '../../src/browser/router';

/** A window with an address and a history, without anything else. */
class FakeWindow extends EventTarget {
  readonly #entries = [''];
  readonly location: { hash: string };
  readonly history = {
    back: () => {
      if (this.#entries.length > 1) this.#entries.pop();
      this.dispatchEvent(new Event('hashchange'));
    },
    replaceState: (_: unknown, __: string, hash: string) => {
      this.#entries[this.#entries.length - 1] = hash;
    },
  };

  constructor() {
    super();
    const entries = this.#entries;
    const changed = () => this.dispatchEvent(new Event('hashchange'));
    this.location = {
      get hash() {
        return entries.at(-1) ?? '';
      },
      set hash(hash: string) {
        entries.push(hash);
        changed();
      },
    };
  }
}

let window: FakeWindow;

beforeEach(() => {
  window = new FakeWindow();
});

const open = () => new Router(window as unknown as Window);

test.each([membersHash('lobby'), threadHash('lobby', 17)])(
  'a card lies over %s, and is gone with "back"',
  (hash) => {
    const router = open();
    router.go(hash);
    const before = router.route.value;
    router.go(personHash('lobby', 'bob-id'));
    expect(router.route.value).toEqual({ ...before, person: 'bob-id' });
    router.closeCard();
    expect(router.route.value).toEqual(before);
    expect(window.location.hash).toBe(hash);
  },
);

test('a card that was opened by its address is closed over its room', () => {
  window.location.hash = personHash('lobby', 'bob-id');
  const router = open();
  router.closeCard();
  expect(window.location.hash).toBe(roomHash('lobby'));
  expect(router.route.value).toMatchObject({ id: 'lobby', person: null });
});

test('a card of another room takes nothing over from the room before', () => {
  const router = open();
  router.go(threadHash('lobby', 17));
  router.go(personHash('den', 'bob-id'));
  expect(router.route.value).toMatchObject({ id: 'den', thread: null, person: 'bob-id' });
  router.closeCard();
  expect(window.location.hash).toBe(roomHash('den'));
});

test('without a card there is nothing to close', () => {
  const router = open();
  router.go(roomHash('lobby'));
  router.closeCard();
  expect(window.location.hash).toBe(roomHash('lobby'));
});
