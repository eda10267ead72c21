import type { VNode } from 'preact';

// Browsers shape a letter with its marks as a whole, in a time that grows with the square of the
// number of marks. No script puts more than a few marks on a letter.
const MANY_MARKS = /\p{M}{256}/gu;

/** A text with so many marks on one letter is cut between them. Any other text comes as it is. */
export function shaped(text: string): string | (string | VNode)[] {
  const parts: (string | VNode)[] = [];
  let done = 0;
  for (const { 0: run, index } of text.matchAll(/\p{M}+/gu)) {
    for (const { 0: marks, index: at } of run.matchAll(MANY_MARKS)) {
      const end = index + at + marks.length;
      parts.push(text.slice(done, end), <wbr key={parts.length} />);
      done = end;
    }
  }
  return done === 0 ? text : [...parts, text.slice(done)];
}
