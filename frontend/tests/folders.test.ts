import { expect, test } from 'vitest';

/** Whom each folder may import, from the bottom up. docs/architecture.md explains the table. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  browser: ['tailwire-client'],
  emoji: ['browser'],
  formatting: ['browser'],
  wire: ['browser', 'tailwire-client/wire', 'tailwire-client'],
  admin: ['wire', 'tailwire-client/wire/api', 'tailwire-client/wire', 'tailwire-client'],
  account: [
    'admin',
    'wire',
    'browser',
    'tailwire-client/wire/api',
    'tailwire-client/wire',
    'tailwire-client',
  ],
  rooms: [
    'wire',
    'browser',
    'tailwire-client/wire/api',
    'tailwire-client/wire',
    'tailwire-client/rooms',
    'tailwire-client',
  ],
  session: ['rooms', 'account', 'browser', 'tailwire-client/wire'],
  app: [
    'session',
    'rooms',
    'account',
    'wire',
    'formatting',
    'emoji',
    'browser',
    'tailwire-client/wire/api',
    'tailwire-client/wire',
    'tailwire-client',
  ],
  'views/parts': [
    'app',
    'session',
    'rooms',
    'account',
    'admin',
    'wire',
    'emoji',
    'browser',
    'tailwire-client',
    'tailwire-client/wire',
  ],
  'views/account': ['views/parts', 'account', 'wire', 'browser', 'tailwire-client/wire'],
  'views/admin': [
    'views/account',
    'views/parts',
    'admin',
    'wire',
    'browser',
    'tailwire-client/wire/api',
    'tailwire-client/wire',
  ],
  'views/timeline': [
    'views/parts',
    'rooms',
    'formatting',
    'browser',
    'tailwire-client/wire',
    'tailwire-client/rooms',
  ],
  'views/rooms': [
    'views/timeline',
    'views/parts',
    'rooms',
    'wire',
    'browser',
    'tailwire-client/wire/api',
    'tailwire-client/wire',
    'tailwire-client/rooms',
  ],
  'views/search': [
    'views/timeline',
    'views/parts',
    'rooms',
    'formatting',
    'browser',
    'tailwire-client/wire',
    'tailwire-client/rooms',
  ],
  'views/shell': [
    'views/search',
    'views/rooms',
    'views/timeline',
    'views/admin',
    'views/account',
    'views/parts',
    'rooms',
    'formatting',
    'browser',
    'tailwire-client/wire',
  ],
  main: ['views/shell', 'views/parts', 'app'],
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
  const names = [...text.matchAll(/(?:from|import\(?) *'(\.[^']*|tailwire-client\/[^']*)'/g)];
  return names
    .map(([, name = '']) => name)
    .filter((name) => !name.endsWith('.css'))
    .map((name) => (name.startsWith('.') ? resolved(path, name) : name));
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
