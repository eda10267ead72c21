/**
 * Colours code. It knows comments, strings, numbers and the words of a language, and no grammar:
 * each character is looked at once, so no code costs its reader time. Pure.
 */

export type Token = string | { kind: TokenKind; text: string };
export type TokenKind = 'comment' | 'string' | 'number' | 'keyword' | 'added' | 'removed';

/** Sources of regular expressions. What is not closed reaches to the end, or nothing would be linear. */
interface Language {
  comment: string;
  string: string;
  words: string;
}

const LINE_STRINGS = [String.raw`"(?:\\.|[^"\\\n])*"?`, String.raw`'(?:\\.|[^'\\\n])*'?`];
const TICK_STRING = '`(?:\\\\[^]|[^`\\\\])*(?:`|$)';
const SLASHES = String.raw`\/\/.*|\/\*[^]*?(?:\*\/|$)`;
const HASH = '#.*';
const DASHES = String.raw`--.*|\/\*[^]*?(?:\*\/|$)`;
const TRIPLES = ['"""[^]*?(?:"""|$)', "'''[^]*?(?:'''|$)"];
const NUMBER = String.raw`\b\d[\w.]*`;
const WORD = String.raw`[A-Za-z_$@][\w$]*`;

const C_WORDS =
  'auto bool break case char const continue default do double else enum extern false float for goto if inline int long NULL nullptr return short signed sizeof static struct switch true typedef union unsigned void volatile while';
const JS_WORDS =
  'as async await break case catch class const continue default delete do else export extends false finally for from function get if import in instanceof let new null of return set static super switch this throw true try typeof undefined var void while with yield';

const c = (words: string): Language => ({
  comment: SLASHES,
  string: LINE_STRINGS.join('|'),
  words,
});
const hash = (words: string): Language => ({
  comment: HASH,
  string: LINE_STRINGS.join('|'),
  words,
});
const script = (words: string): Language => ({
  comment: SLASHES,
  string: [...LINE_STRINGS, TICK_STRING].join('|'),
  words,
});

const LANGUAGES: Record<string, Language> = {
  bash: hash(
    'case do done elif else esac export fi for function if in local return set then until while cd echo exit sudo',
  ),
  c: c(C_WORDS),
  cpp: c(
    `${C_WORDS} catch class constexpr delete explicit friend namespace new noexcept operator override private protected public template this throw try typename using virtual`,
  ),
  csharp: c(
    `${C_WORDS} abstract async await base catch class delegate event finally foreach get in interface internal is lock namespace new null out override params private protected public readonly ref sealed set string this throw try using var virtual`,
  ),
  css: { comment: String.raw`\/\*[^]*?(?:\*\/|$)`, string: LINE_STRINGS.join('|'), words: '' },
  dockerfile: hash(
    'ADD ARG AS CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR',
  ),
  go: script(
    'break case chan const continue default defer else fallthrough false for func go goto if import interface iota map nil package range return select struct switch true type var',
  ),
  html: { comment: '<!--[^]*?(?:-->|$)', string: LINE_STRINGS.join('|'), words: '' },
  ini: { comment: '[#;].*', string: LINE_STRINGS.join('|'), words: 'true false yes no on off' },
  java: c(
    `${C_WORDS} abstract boolean byte catch class extends final finally implements import instanceof interface native new null package private protected public record super synchronized this throw throws transient try var`,
  ),
  javascript: script(JS_WORDS),
  json: { comment: SLASHES, string: LINE_STRINGS[0] ?? '', words: 'true false null' },
  kotlin: c(
    'as break by catch class companion continue data do else false finally for fun if import in interface is null object open override package private protected public return sealed super suspend this throw true try val var when while',
  ),
  lua: {
    ...hash(
      'and break do else elseif end false for function goto if in local nil not or repeat return then true until while',
    ),
    comment: '--.*',
  },
  php: {
    ...c(
      'abstract array as break case catch class const continue default do echo else elseif extends false final finally fn for foreach function global if implements interface match namespace new null private protected public readonly return static switch this throw trait true try use var while',
    ),
    comment: `${SLASHES}|#.*`,
  },
  python: {
    comment: HASH,
    string: [...TRIPLES, ...LINE_STRINGS].join('|'),
    words:
      'and as assert async await break case class continue def del elif else except False finally for from global if import in is lambda match None nonlocal not or pass raise return self True try while with yield',
  },
  ruby: hash(
    'alias and begin break case class def do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield',
  ),
  rust: {
    ...c(
      'as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while',
    ),
    // A lifetime is no string.
    string: LINE_STRINGS[0] ?? '',
  },
  sql: {
    comment: DASHES,
    string: LINE_STRINGS.join('|'),
    words:
      'add all alter and as asc between by case check column constraint create cross default delete desc distinct drop else end exists foreign from full group having if in index inner insert into is join key left like limit not null offset on or order outer primary references returning right select set table then union unique update using values view when where with',
  },
  swift: c(
    'as async await break case catch class continue default defer do else enum extension false for func guard if import in init inout internal is let nil private protocol public return self static struct super switch throw throws true try var where while',
  ),
  typescript: script(
    `${JS_WORDS} abstract any boolean declare enum implements interface keyof namespace never number private protected public readonly satisfies string type unknown`,
  ),
  yaml: hash('true false null yes no'),
};

const ALIASES: Record<string, string> = {
  ...{ 'c++': 'cpp', cc: 'cpp', h: 'c', hpp: 'cpp', cs: 'csharp', 'c#': 'csharp' },
  ...{ docker: 'dockerfile', golang: 'go', js: 'javascript', jsx: 'javascript', mjs: 'javascript' },
  ...{ ts: 'typescript', tsx: 'typescript', kt: 'kotlin', py: 'python', rb: 'ruby', rs: 'rust' },
  ...{
    sh: 'bash',
    shell: 'bash',
    zsh: 'bash',
    console: 'bash',
    toml: 'ini',
    conf: 'ini',
    yml: 'yaml',
  },
  ...{
    xml: 'html',
    svg: 'html',
    vue: 'html',
    scss: 'css',
    less: 'css',
    jsonc: 'json',
    patch: 'diff',
  },
};

/** The parts of `code`, in order; null where the language is not known. */
export function highlight(code: string, name: string): readonly Token[] | null {
  const known = own(ALIASES, name) ?? name;
  if (known === 'diff') return diff(code);
  const language = own(LANGUAGES, known);
  if (!language) return null;
  const { comment, string, words } = language;
  const keywords = new Set(words.split(' '));
  const isFolded = known === 'sql';
  const parts = new RegExp(`(${comment})|(${string})|(${NUMBER})|(${WORD})`, 'g');
  const tokens: Token[] = [];
  let end = 0;
  for (const match of code.matchAll(parts)) {
    const [text, isComment, isString, isNumber] = match;
    if (!text) continue;
    const kind = isComment ? 'comment' : isString ? 'string' : isNumber ? 'number' : 'keyword';
    const tag =
      known === 'html' && /<\/?$/.test(code.slice(Math.max(0, match.index - 2), match.index));
    const isWord = kind !== 'keyword' || keywords.has(isFolded ? text.toLowerCase() : text) || tag;
    if (!isWord) continue;
    if (match.index > end) tokens.push(code.slice(end, match.index));
    tokens.push({ kind, text });
    end = match.index + text.length;
  }
  if (end < code.length) tokens.push(code.slice(end));
  return tokens;
}

function diff(code: string): Token[] {
  return (code.match(/[^\n]*\n|[^\n]+/g) ?? []).map((line) => {
    if (/^(?:\+\+\+|---|@@)/.test(line)) return { kind: 'comment', text: line };
    if (line.startsWith('+')) return { kind: 'added', text: line };
    return line.startsWith('-') ? { kind: 'removed', text: line } : line;
  });
}

function own<T>(table: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
