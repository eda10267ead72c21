import { expect, test } from 'vitest';
import { forwardOf, roomsToForward } from '../../src/rooms/forwards';
import { makeRoom } from '../make';

const LINK = 'https://chat.example/#/rooms/den/messages/7';
const forward = (body: string, limit = 4_000) =>
  forwardOf({ body, author: 'Bob', room: 'Den', link: LINK }, limit);

test('a forwarded message is a quote with its author and a link', () => {
  expect(forward('one\n\n**two**')).toBe(`> one\n>\n> **two**\n\nBob, Den: ${LINK}`);
});

test('it calls nobody, and leaves code as it is', () => {
  expect(forward('@bob see `@alice` and ```\n@decorator\n``` a@b')).toBe(
    `> @\u2060bob see \`@alice\` and \`\`\`\n> @decorator\n> \`\`\` a@\u2060b\n\nBob, Den: ${LINK}`,
  );
});

test.each([100, 101, 4_000])('it is cut to %i characters, and keeps its link', (limit) => {
  const body = forward('🎉\n'.repeat(4_000), limit);
  expect([...body].length).toBeLessThanOrEqual(limit);
  expect(body).toContain('…');
  expect(body.endsWith(LINK)).toBe(true);
});

test('one may forward into the other rooms in which one may write', () => {
  const rooms = [
    makeRoom({ id: 'den' }),
    makeRoom({ id: 'lobby', role: 'moderator' }),
    makeRoom({ id: 'news', role: 'reader' }),
  ];
  expect(roomsToForward(rooms, 'den').map(({ id }) => id)).toEqual(['lobby']);
});
