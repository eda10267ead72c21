import { expect, test } from 'vitest';
import { NoticeSettings } from '../../src/browser/notice_settings';
import { MemoryStorage } from '../make';

const AT_FIRST = { shown: true, withText: true, sound: false, asked: false };

test('settings are kept, and another tab takes them over', () => {
  const storage = new MemoryStorage();
  const [one, other] = [new NoticeSettings(storage), new NoticeSettings(storage)];
  expect(one.value).toEqual(AT_FIRST);
  one.change({ sound: true });
  other.heard('another key');
  expect(other.value).toEqual(AT_FIRST);
  other.heard('tailwire.notices');
  expect(other.value).toEqual({ ...AT_FIRST, sound: true });
});

test.each(['{', 'null', '[]', '{"sound": "yes", "shown": 0, "__proto__": {"asked": true}}'])(
  'what is stored as %s counts for nothing',
  (stored) => {
    const storage = new MemoryStorage();
    storage.setItem('tailwire.notices', stored);
    expect(new NoticeSettings(storage).value).toEqual(AT_FIRST);
  },
);
