import { expect, test } from 'vitest';
import { MARKS, type MarkName, markOf } from '../../src/formatting/marks';

/** Applies a mark to a text in which `|` shows where the selection begins and ends. */
function edited(name: MarkName, marked: string): string {
  const [left = '', inner = '', right] = marked.split('|');
  const text = left + inner + (right ?? '');
  const start = left.length;
  const end = right === undefined ? start : start + inner.length;
  const mark = MARKS.find((one) => one.name === name);
  const selected = right === undefined ? { text, start, end: start } : { text, start, end };
  const edit = mark?.edit(selected);
  if (!edit) return '';
  const after = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  return `${after.slice(0, edit.start)}|${after.slice(edit.start, edit.end)}|${after.slice(edit.end)}`;
}

test.each([
  ['bold', 'a |b| c', 'a **|b|** c'],
  ['bold', 'a **|b|** c', 'a |b| c'],
  ['bold', 'a |**b**| c', 'a |b| c'],
  ['bold', 'a| b |c', 'a **|b|** c'],
  ['bold', 'a || c', 'a **||** c'],
  ['italic', '|b|', '_|b|_'],
  ['strike', '|b|', '~~|b|~~'],
  ['code', '|b|', '`|b|`'],
  ['code', 'a |b\nc| d', 'a \n```\n|b\nc|\n```\n d'],
  ['code', '|b\nc|', '```\n|b\nc|\n```'],
  ['link', 'see |docs|.', 'see [docs](|https://|).'],
  ['link', 'see |https://a.example/|', 'see [|text|](https://a.example/)'],
  ['quote', 'a\n|b\nc|\nd', 'a\n|> b\n> c|\nd'],
  ['quote', 'a\n|> b\n> c|', 'a\n|b\nc|'],
  ['list', 'a||', '- a||'],
] as const)('%s makes of %j %j', (name, before, after) => {
  expect(edited(name, before)).toBe(after);
});

test('each mark has keys of its own, also where Shift gives a digit another name', () => {
  expect(new Set(MARKS.map(({ keys }) => keys.join('+'))).size).toBe(MARKS.length);
  expect(markOf({ key: 'b', code: 'KeyB', shiftKey: false })?.name).toBe('bold');
  expect(markOf({ key: '(', code: 'Digit9', shiftKey: true })?.name).toBe('quote');
  expect(markOf({ key: 'B', code: 'KeyB', shiftKey: true })).toBeUndefined();
});
