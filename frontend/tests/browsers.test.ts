import { expect, test } from 'vitest';
import browsers from '../browsers.json';
import readme from '../README.md?raw';
import tsconfig from '../tsconfig.json?raw';
import config from '../vite.config';

const sources = import.meta.glob<string>('../src/**/*.{ts,tsx,css}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const NAMES: Record<string, string> = {
  chrome: 'Chrome',
  edge: 'Edge',
  firefox: 'Firefox',
  safari: 'Safari',
  ios: 'Safari on iOS',
};

// What the types know although one of the oldest browsers does not. The build cannot fill it in.
const TOO_NEW =
  /AbortSignal\.(timeout|any)|structuredClone|checkVisibility|scrollend|requestIdleCallback|randomUUID\(|\bsetHTML|showPopover|Intl\.Segmenter|\(\?<[=!]|@container|@scope|@layer|color-mix|\bpopover=/;

test('the build is made for the browsers that the README names, and for no newer ones', () => {
  expect(config.build?.target).toEqual(browsers);
  for (const browser of browsers) {
    const [, name = '', version] = /^([a-z]+)([\d.]+)$/.exec(browser) ?? [];
    expect(readme.replace(/ +/g, ' ')).toContain(`| ${NAMES[name]} | ${version} |`);
  }
});

test('nothing is used that came to the language after 2022', () => {
  const [lib] = /"lib": \[.*\]/.exec(tsconfig) ?? [];
  expect(lib).toBe('"lib": ["ES2022", "DOM", "DOM.Iterable"]');
});

test.each(Object.entries(sources))('%s uses nothing that the oldest browser lacks', (_, text) => {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  expect(TOO_NEW.exec(code)?.[0]).toBeUndefined();
});
