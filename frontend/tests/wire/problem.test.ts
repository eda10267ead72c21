import { Problem, problemText, waitText } from 'tailwire-client/wire/problem';
import { describe, expect, test } from 'vitest';

const text = (body: ConstructorParameters<typeof Problem>[0]) => problemText(new Problem(body));

describe('texts', () => {
  test.each([
    ['username_taken', 'This username is taken. Choose another one.'],
    ['invalid_credentials', 'The username or the password is not right.'],
    ['weak_password', 'This password is too easy to guess. Choose a longer or less common one.'],
    ['not_found', 'This does not exist, or you may not see it.'],
    ['forbidden', 'You are not allowed to do this.'],
    ['unreachable', 'The server cannot be reached. Check your connection and try again.'],
  ])('%s is said in plain words', (code, expected) => {
    expect(text({ code, detail: 'what the server says' })).toBe(expected);
  });

  test('a limit says how long to wait', () => {
    expect(text({ status: 429, code: 'rate_limited', retry_after_seconds: 12.2 })).toBe(
      'Too many attempts. Try again in 13 seconds.',
    );
  });

  test('a code nobody foresaw is told with the detail of the server, as a sentence', () => {
    expect(text({ status: 409, code: 'room_full', detail: 'the room is full' })).toBe(
      'The room is full.',
    );
    expect(text({ status: 418 })).toBe('Something went wrong. Try again.');
  });

  test('an error of our own never shows its inside', () => {
    expect(problemText(new TypeError('x is undefined'))).toBe(
      'The server had a problem. Try again.',
    );
  });
});

describe('fields', () => {
  test.each([
    ['a list', ['body', 'username']],
    ['a dotted name', 'body.username'],
    ['a bare name', 'username'],
  ])('are found by %s', (_, loc) => {
    const problem = new Problem({ errors: [{ loc, message: 'is taken' }] });
    expect(problem.fields.get('username')).toBe('This is taken.');
  });

  test('say the first error of each', () => {
    const errors = ['one', 'two'].map((message) => ({ loc: ['name'], message }));
    expect(new Problem({ errors }).fields.get('name')).toBe('One.');
  });
});

test.each([
  [0, true],
  [401, false],
  [403, false],
  [404, false],
  [408, true],
  [409, false],
  [421, true],
  [422, false],
  [429, true],
  [503, true],
])('after %i the same request may succeed later: %s', (status, temporary) => {
  expect(new Problem({ status }).temporary).toBe(temporary);
});

test('waits are told in whole seconds, then in whole minutes', () => {
  expect([0.2, 1, 59.5, 61].map(waitText)).toEqual([
    '1 second',
    '1 second',
    '1 minute',
    '2 minutes',
  ]);
});
