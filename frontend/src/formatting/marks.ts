/** Puts the marks of formatting around what is selected, or takes them away. Pure. */

/** A stretch of a text, and what is selected in it. */
export interface Selected {
  text: string;
  start: number;
  end: number;
}

/** Replaces a stretch of a text, and selects a part of what stands there then. */
export interface Edit {
  from: number;
  to: number;
  text: string;
  start: number;
  end: number;
}

export type MarkName = 'bold' | 'italic' | 'strike' | 'code' | 'link' | 'quote' | 'list';

export interface Mark {
  name: MarkName;
  title: string;
  /** As they are shown. The last is the key, the others are held. */
  keys: readonly string[];
  edit(selected: Selected): Edit;
}

export const MARKS: readonly Mark[] = [
  { name: 'bold', title: 'Bold', keys: ['Ctrl', 'B'], edit: around('**') },
  { name: 'italic', title: 'Italic', keys: ['Ctrl', 'I'], edit: around('_') },
  { name: 'strike', title: 'Strike out', keys: ['Ctrl', 'Shift', 'X'], edit: around('~~') },
  { name: 'code', title: 'Code', keys: ['Ctrl', 'E'], edit: code },
  { name: 'link', title: 'Link', keys: ['Ctrl', 'Shift', 'L'], edit: link },
  { name: 'quote', title: 'Quote', keys: ['Ctrl', 'Shift', '9'], edit: before('> ') },
  { name: 'list', title: 'List', keys: ['Ctrl', 'Shift', '8'], edit: before('- ') },
];

/** The mark whose keys these are. With Shift held, digits have other names on each keyboard. */
export function markOf(event: Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey'>): Mark | undefined {
  const key = /^Digit\d$/.test(event.code) ? event.code.slice(-1) : event.key.toUpperCase();
  return MARKS.find(({ keys }) => keys.at(-1) === key && keys.includes('Shift') === event.shiftKey);
}

function around(mark: string): (selected: Selected) => Edit {
  return ({ text, start, end }) => {
    const all = text.slice(start, end);
    const inner = all.trim();
    // Marks beside a space mean nothing.
    const from = start + (inner ? all.indexOf(inner) : 0);
    const to = inner ? from + inner.length : end;
    const { length } = mark;
    if (text.slice(from - length, from) === mark && text.slice(to, to + length) === mark)
      return edit(from - length, to + length, '', inner, '');
    if (inner.length > 2 * length && inner.startsWith(mark) && inner.endsWith(mark))
      return edit(from, to, '', inner.slice(length, -length), '');
    return edit(from, to, mark, inner, mark);
  };
}

function code(selected: Selected): Edit {
  const { text, start, end } = selected;
  const inner = text.slice(start, end);
  if (!inner.includes('\n')) return around('`')(selected);
  const opens = start === 0 || text[start - 1] === '\n' ? '```\n' : '\n```\n';
  const closes = end === text.length || text[end] === '\n' ? '\n```' : '\n```\n';
  return edit(start, end, opens, inner.replace(/\n$/, ''), closes);
}

/** The label is selected where the address was, else the address is what is missing. */
function link({ text, start, end }: Selected): Edit {
  const inner = text.slice(start, end);
  if (/^https?:\/\/\S+$/.test(inner)) return edit(start, end, '[', 'text', `](${inner})`);
  return edit(start, end, `[${inner || 'text'}](`, 'https://', ')');
}

/** Puts the mark before each line, or takes it away where each has it. */
function before(mark: string): (selected: Selected) => Edit {
  return ({ text, start, end }) => {
    const from = text.lastIndexOf('\n', start - 1) + 1;
    const next = text.indexOf('\n', end);
    const to = next < 0 ? text.length : next;
    const lines = text.slice(from, to).split('\n');
    const marked = lines.every((line) => line.startsWith(mark))
      ? lines.map((line) => line.slice(mark.length))
      : lines.map((line) => mark + line);
    const replaced = marked.join('\n');
    const isOne = lines.length === 1;
    return {
      ...{ from, to, text: replaced },
      start: isOne ? from + replaced.length : from,
      end: from + replaced.length,
    };
  };
}

function edit(from: number, to: number, left: string, inner: string, right: string): Edit {
  const start = from + left.length;
  return { from, to, text: left + inner + right, start, end: start + inner.length };
}
