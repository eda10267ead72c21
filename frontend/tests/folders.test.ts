import { expect, test } from 'vitest';

/** Whom each folder may import, from the bottom up. docs/architecture.md explains the table. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  browser: [],
  emoji: ['browser'],
  formatting: ['browser'],
  wire: ['browser'],
  'wire/api': ['wire'],
  admin: ['wire/api', 'wire', 'browser'],
  account: ['admin', 'wire/api', 'wire', 'browser'],
  rooms: ['wire/api', 'wire', 'browser'],
  session: ['account', 'rooms', 'wire', 'browser'],
  app: ['session', 'account', 'rooms', 'wire/api', 'wire', 'emoji', 'formatting', 'browser'],
  'views/parts': ['app', 'session', 'account', 'admin', 'rooms', 'wire', 'emoji', 'browser'],
  'views/account': ['views/parts', 'account', 'wire', 'browser'],
  'views/admin': ['views/parts', 'views/account', 'admin', 'wire/api', 'wire', 'browser'],
  'views/timeline': ['views/parts', 'rooms', 'wire', 'formatting', 'browser'],
  'views/rooms': ['views/parts', 'views/timeline', 'rooms', 'wire', 'browser'],
  'views/search': ['views/parts', 'views/timeline', 'rooms', 'wire', 'formatting', 'browser'],
  'views/shell': [
    'views/parts',
    'views/account',
    'views/admin',
    'views/timeline',
    'views/rooms',
    'views/search',
    'rooms',
    'wire',
    'formatting',
    'browser',
  ],
  main: ['app', 'views/parts', 'views/shell'],
};

const sources = import.meta.glob<string>('../src/**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** The folder of a file below src; a file that is in none stands for itself. */
function folderOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 1 ? parts.slice(0, -1).join('/') : path.replace(/\.tsx?$/, '');
}

/** The file, below src, that an import in `path` names. */
function resolved(path: string, name: string): string {
  return new URL(name, `file:///${path}`).pathname.slice(1);
}

function importsOf(path: string, text: string): string[] {
  const names = [...text.matchAll(/(?:from|import\(?) *'(\.[^']*)'/g)].map(([, name = '']) => name);
  return names.filter((name) => !name.endsWith('.css')).map((name) => resolved(path, name));
}

const files = Object.entries(sources).map(([path, text]) => {
  const name = path.replace('../src/', '');
  return { name, folder: folderOf(name), imports: importsOf(name, text) };
});

test.each(files)('$name imports only what its folder may', ({ folder, imports }) => {
  const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
  expect(imports.filter((name) => !allowed.includes(folderOf(name)))).toEqual([]);
});

test('the table has a row for each folder, and a reason for each arrow', () => {
  const arrows = new Map<string, Set<string>>();
  for (const { folder, imports } of files) {
    const targets = arrows.get(folder) ?? new Set();
    for (const name of imports) if (folderOf(name) !== folder) targets.add(folderOf(name));
    arrows.set(folder, targets);
  }
  const found = Object.fromEntries([...arrows].map(([folder, to]) => [folder, [...to].sort()]));
  const table = Object.entries(MAY_IMPORT).map(([folder, to]) => [folder, [...to].sort()]);
  expect(found).toEqual(Object.fromEntries(table));
});

test('no arrow points upwards', () => {
  const order = Object.keys(MAY_IMPORT);
  for (const [folder, targets] of Object.entries(MAY_IMPORT))
    for (const target of targets) expect(order.indexOf(target)).toBeLessThan(order.indexOf(folder));
});

test('no view keeps the value of a field in its state', () => {
  for (const [path, text] of Object.entries(sources)) {
    if (!path.includes('/views/')) continue;
    const typed = [...text.matchAll(/<(?:input|textarea|select)\b[\s\S]*?\/>/g)].map(
      ([tag]) => tag,
    );
    for (const tag of typed) {
      if (/readOnly|type="radio"/.test(tag)) continue;
      expect(tag, path).not.toMatch(/\bvalue=/);
    }
  }
});

test('every handler of keys leaves the keys of input methods alone', () => {
  for (const [path, text] of Object.entries(sources)) {
    const handlers = [...text.matchAll(/onKey(?:Down|Up|Press)=\{(\w+)/g)].map(([, name]) => name);
    for (const name of handlers)
      if (name !== 'onKeys') expect(text, path).toContain(`const ${name} = onKeys(`);
    const listeners = [...text.matchAll(/addEventListener\('key\w+', (\w+)/g)];
    for (const [, name] of listeners) expect(text, path).toContain(`const ${name} = onKeys(`);
  }
});
