import { describe, expect, test } from 'vitest';
import { mayMentionAll, peopleFor, tokenAt } from '../../src/rooms/suggestions';

describe('what is being typed', () => {
  test.each([
    ['@', '@', 0],
    ['hi @bo', '@bo', 3],
    ['(@Анна.п', '@Анна.п', 1],
    ['a\n@b_c-d', '@b_c-d', 2],
    ['so :smi', ':smi', 3],
    ['👍:+1', ':+1', 2],
  ])('in %j is %j', (text, token, from) => {
    const found = tokenAt(text, text.length);
    expect(found && [`${found.sign}${found.text}`, found.from]).toEqual([token, from]);
  });

  test.each([
    'a@b',
    '@bob ',
    '@@bob',
    'see `@bo',
    '```\n@bo',
    ':s',
    'at 10:30',
    'https://x',
    ':smile:',
    `@${'x'.repeat(33)}`,
  ])('in %j is nothing that is completed', (text) => {
    expect(tokenAt(text, text.length)).toBeNull();
  });

  test('is what is before the caret', () => {
    expect(tokenAt('@bob and @carol', 3)).toEqual({ sign: '@', text: 'bo', from: 0 });
  });
});

describe('the people who are offered', () => {
  const person = (username: string, display_name = username) => ({
    ...{ user_id: `${username}-id`, username, display_name },
  });
  const people = [
    person('zoe', 'Ann Zoe'),
    person('bob', 'Robert'),
    person('ann.b', '<b>Änne</b>'),
    person('carol', 'Carol O. Bobson'),
  ];
  const names = (text: string, recent: string[] = []) =>
    peopleFor({ text, people, recent }).map(({ username }) => username);

  test('have a name that begins so, or a word of one', () => {
    expect(names('bob')).toEqual(['bob', 'carol']);
    expect(names('rob')).toEqual(['bob']);
    expect(names('ÄN')).toEqual(['ann.b', 'zoe']);
    expect(names('x')).toEqual([]);
  });

  test('are sorted by who wrote last', () => {
    expect(names('', ['carol-id', 'zoe-id'])).toEqual(['carol', 'zoe', 'ann.b', 'bob']);
  });
});

test.each([
  ['owner', null, true],
  ['moderator', 900, true],
  ['member', 20, true],
  ['member', 21, false],
  ['member', null, false],
  ['reader', 3, false],
] as const)('a %s of %j members may mention all: %s', (role, members, may) => {
  expect(mayMentionAll(role, members)).toBe(may);
});
