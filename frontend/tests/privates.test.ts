import { expect, test } from 'vitest';

const sources = import.meta.glob<string>('../src/**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const CLASS = /class (\w+)(?:<[^{]*>)?(?: extends (\w+))?/;

/** The private names of each class, and what it derives from. There is at most one derived class in a file. */
const classes = Object.values(sources).flatMap((text) => {
  const [, name, parent] = CLASS.exec(text) ?? [];
  const privates = new Set([...text.matchAll(/#([a-z]\w*)/g)].map(([, one]) => one));
  return name ? [{ name, parent, privates }] : [];
});

// The build makes plain properties of them (vite.config.ts).
test('no class has a private name of the class that it derives from', () => {
  const byName = new Map(classes.map((one) => [one.name, one]));
  for (const { name, parent, privates } of classes)
    for (let one = byName.get(parent ?? ''); one; one = byName.get(one.parent ?? ''))
      expect([name, [...privates].filter((own) => one.privates.has(own))]).toEqual([name, []]);
  expect(classes.filter(({ parent }) => parent && byName.has(parent)).length).toBeGreaterThan(0);
});
