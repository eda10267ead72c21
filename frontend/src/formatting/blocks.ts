/**
 * Reads the blocks of a message: code, quotes, lists, tables and paragraphs. It follows CommonMark
 * 0.31 (section 5) and GitHub's tables, but where people who chat mean something else: a line ends
 * where it was ended, what follows a quote or a list is no part of it unless it is marked so, and
 * there are no headings, rules, HTML or code by indentation. Pure.
 */

import { parseInlines } from './inlines';
import { type Align, type Block, type Row, weightOf } from './nodes';

// Deeper quotes and lists are shown as they were written.
const MOST_DEPTH = 6;
// A table of 40 rows and 8 columns, or as many links as fit into a message.
const MOST_WEIGHT = 400;

const BLANK = /^\s*$/;
const FENCE = /^[ \t]*(`{3,}|~{3,})(.*)$/;
const LANGUAGE = /^\S{1,20}/;
// Something must follow, because ">:(" is a face.
const QUOTE = /^[ \t]*>(?=[ \t>\p{L}\p{N}*_`[]|$)[ \t]?/u;
const ITEM = /^([ \t]*)([-+*]|(\d{1,9})[.)])[ \t]+(?=\S)/;
const RULE = /^[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,})$/;
const DELIMITERS = /^[ \t]*[|:-][ \t|:-]*$/;
const DELIMITER = /^(:?)-+(:?)$/;
const TAB_COLUMNS = 4;
// What belongs to an item is so much further in than its mark.
const ITEM_COLUMNS = 2;

/** Reads a message. One of more parts than anybody wants to read costs as much as a long text. */
export function parse(text: string): readonly Block[] {
  const blocks = parseBlocks(text.split('\n'), 0);
  return weightOf(blocks) > MOST_WEIGHT ? [{ kind: 'paragraph', children: [text] }] : blocks;
}

function parseBlocks(lines: readonly string[], depth: number): readonly Block[] {
  if (depth > MOST_DEPTH) return [paragraph(lines)];
  const reader: Lines = { lines, at: 0, depth };
  const blocks: Block[] = [];
  let begun = 0;
  const end = () => {
    if (reader.at > begun) blocks.push(paragraph(lines.slice(begun, reader.at)));
  };
  while (reader.at < lines.length) {
    const isBlank = BLANK.test(lines[reader.at] ?? '');
    if (!isBlank && !beginsBlock(reader, reader.at > begun)) {
      reader.at++;
      continue;
    }
    end();
    if (isBlank) reader.at++;
    else blocks.push(blockAt(reader));
    begun = reader.at;
  }
  end();
  return blocks;
}

/** The lines of a block, and the first of them that is not read yet. */
interface Lines {
  readonly lines: readonly string[];
  at: number;
  readonly depth: number;
}

function paragraph(lines: readonly string[]): Block {
  return { kind: 'paragraph', children: parseInlines(lines.join('\n')) };
}

/** Whether the next line begins something other than a paragraph. */
function beginsBlock(reader: Lines, interrupts: boolean): boolean {
  const line = reader.lines[reader.at] ?? '';
  if (fenceOf(line) || QUOTE.test(line) || delimitersAfter(reader)) return true;
  const item = itemOf(line);
  // A number at the beginning of a line may be a part of the sentence.
  return item !== null && (!interrupts || item.number === null || item.number === 1);
}

function blockAt(reader: Lines): Block {
  const line = reader.lines[reader.at] ?? '';
  const fence = fenceOf(line);
  if (fence) return codeAt(reader, fence);
  if (QUOTE.test(line)) return quoteAt(reader);
  const columns = delimitersAfter(reader);
  return columns ? tableAt(reader, columns) : listAt(reader);
}

interface Fence {
  mark: string;
  language: string;
}

function fenceOf(line: string): Fence | null {
  const [, mark = '', rest = ''] = FENCE.exec(line) ?? [];
  // Backticks that end in the same line are code within a sentence.
  if (!mark || (mark.startsWith('`') && rest.includes('`'))) return null;
  return { mark, language: LANGUAGE.exec(rest.trim())?.[0].toLowerCase() ?? '' };
}

/** Code reaches to a fence of at least as many marks, or to the end. */
function codeAt(reader: Lines, { mark, language }: Fence): Block {
  const indent = columnsBefore(reader.lines[reader.at++] ?? '');
  const code: string[] = [];
  while (reader.at < reader.lines.length) {
    const line = reader.lines[reader.at++] ?? '';
    const end = line.trim();
    if (end.length >= mark.length && end === mark.charAt(0).repeat(end.length)) break;
    code.push(dedented(line, indent));
  }
  return { kind: 'code', language, text: code.join('\n') };
}

function quoteAt(reader: Lines): Block {
  const quoted: string[] = [];
  for (; reader.at < reader.lines.length; reader.at++) {
    const line = reader.lines[reader.at] ?? '';
    const mark = QUOTE.exec(line);
    if (!mark) break;
    quoted.push(line.slice(mark[0].length));
  }
  return { kind: 'quote', children: parseBlocks(quoted, reader.depth + 1) };
}

interface Item {
  /** The mark without its number. Another mark begins another list. */
  mark: string;
  number: number | null;
  /** The columns before the mark, and before what follows it. */
  indent: number;
  inner: number;
  rest: string;
}

function itemOf(line: string): Item | null {
  const match = RULE.test(line) ? null : ITEM.exec(line);
  if (!match) return null;
  const [all, before = '', mark = '', digits] = match;
  return {
    mark: mark.slice(-1),
    number: digits === undefined ? null : Number(digits),
    indent: columnsBefore(before),
    inner: columnsBefore(before) + all.length - before.length,
    rest: line.slice(all.length),
  };
}

function listAt(reader: Lines): Block {
  const items: { number: number | null; children: readonly Block[] }[] = [];
  const first = itemOf(reader.lines[reader.at] ?? '');
  let item = first;
  while (first && item && item.mark === first.mark) {
    const { number, rest } = item;
    const content = [rest, ...contentOf(reader, item)];
    items.push({ number, children: parseBlocks(content, reader.depth + 1) });
    const next = textAfter(reader);
    item = itemOf(reader.lines[next] ?? '');
    if (item?.mark === first.mark) reader.at = next;
  }
  return { kind: 'list', items };
}

/** The lines that belong to an item: those further in, and the blank ones between them. */
function contentOf(reader: Lines, { indent, inner }: Item): string[] {
  const content: string[] = [];
  reader.at++;
  for (;;) {
    const next = textAfter(reader);
    const line = reader.lines[next];
    if (line === undefined || columnsBefore(line) < indent + ITEM_COLUMNS) return content;
    while (reader.at < next) {
      content.push('');
      reader.at++;
    }
    content.push(dedented(line, inner));
    reader.at++;
  }
}

/** The index of the next line that is not blank. */
function textAfter({ lines, at }: Lines): number {
  let next = at;
  while (next < lines.length && BLANK.test(lines[next] ?? '')) next++;
  return next;
}

/** The columns of a table whose head is the next line; null where it is none. */
function delimitersAfter({ lines, at }: Lines): readonly Align[] | null {
  const head = lines[at] ?? '';
  const line = lines[at + 1] ?? '';
  if (!head.includes('|') || !line.includes('|') || !DELIMITERS.test(line)) return null;
  const cells = cellsOf(line);
  if (cells.length !== cellsOf(head).length) return null;
  const columns: Align[] = [];
  for (const cell of cells) {
    const [all, left, right] = DELIMITER.exec(cell) ?? [];
    if (all === undefined) return null;
    columns.push(left && right ? 'center' : right ? 'end' : left ? 'start' : null);
  }
  return columns;
}

function tableAt(reader: Lines, columns: readonly Align[]): Block {
  const row = (line: string): Row => cellsOf(line).slice(0, columns.length).map(parseInlines);
  const head = row(reader.lines[reader.at] ?? '');
  const rows: Row[] = [];
  reader.at += 2;
  for (; reader.lines[reader.at]?.includes('|'); reader.at++)
    rows.push(row(reader.lines[reader.at] ?? ''));
  return { kind: 'table', columns, head, rows };
}

/** The texts between the bars of a line. A bar behind a backslash is a part of a text. */
function cellsOf(line: string): string[] {
  const cells = [''];
  const text = line.trim();
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\' && text[at + 1] === '|') cells.push(`${cells.pop()}${text[++at]}`);
    else if (character === '|') cells.push('');
    else cells.push(`${cells.pop()}${character}`);
  }
  if (cells[0]?.trim() === '') cells.shift();
  if (cells.at(-1)?.trim() === '') cells.pop();
  return cells.map((cell) => cell.trim());
}

function columnsBefore(line: string): number {
  let columns = 0;
  for (const character of line) {
    if (character === '\t') columns += TAB_COLUMNS;
    else if (character === ' ') columns++;
    else break;
  }
  return columns;
}

/** The line without the space before it, up to so many columns. */
function dedented(line: string, columns: number): string {
  let at = 0;
  let left = columns;
  for (; left > 0 && (line[at] === ' ' || line[at] === '\t'); at++)
    left -= line[at] === '\t' ? TAB_COLUMNS : 1;
  return line.slice(at);
}
