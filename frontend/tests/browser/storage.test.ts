import { expect, test } from 'vitest';
import { SafeStorage } from '../../src/browser/storage';
import { MemoryStorage } from '../make';

/** A storage without space for values longer than `most`. */
class SmallStorage extends MemoryStorage {
  most = 5;

  override setItem(key: string, value: string): void {
    if (value.length > this.most) throw new DOMException('', 'QuotaExceededError');
    super.setItem(key, value);
  }
}

test('what the browser keeps is there after a reload', () => {
  const browser = new MemoryStorage();
  const storage = new SafeStorage(() => browser);
  storage.setItem('theme', 'dark');
  expect(new SafeStorage(() => browser).getItem('theme')).toBe('dark');
  storage.removeItem('theme');
  expect([storage.getItem('theme'), browser.length]).toEqual([null, 0]);
  expect(storage.keeping.value).toBe('kept');
});

test('what finds no space lasts as long as the page, and no older value comes back', () => {
  const browser = new SmallStorage();
  const storage = new SafeStorage(() => browser);
  storage.setItem('draft', 'short');
  storage.setItem('draft', 'too long');
  expect([storage.getItem('draft'), storage.keeping.value]).toEqual(['too long', 'full']);
  expect(new SafeStorage(() => browser).getItem('draft')).toBeNull();
  browser.most = 100;
  storage.setItem('draft', 'with more space');
  expect(new SafeStorage(() => browser).getItem('draft')).toBe('with more space');
  storage.removeItem('draft');
  expect(storage.getItem('draft')).toBeNull();
});

test.each([
  [
    'refuses it',
    () => {
      throw new DOMException('', 'SecurityError');
    },
  ],
  ['has none', () => null],
])('where the browser %s, all of it lasts as long as the page', (_, open) => {
  const storage = new SafeStorage(open);
  expect([storage.getItem('theme'), storage.keeping.value]).toEqual([null, 'blocked']);
  storage.setItem('theme', 'dark');
  expect(storage.getItem('theme')).toBe('dark');
  storage.removeItem('theme');
  expect(storage.getItem('theme')).toBeNull();
});
