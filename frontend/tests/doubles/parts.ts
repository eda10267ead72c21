import type { App } from '../../src/app';
import { Lazy } from '../../src/browser/lazy';
import { Catalogue } from '../../src/emoji/catalogue';
import { RecentEmoji } from '../../src/emoji/recent';
import { Formatter } from '../../src/formatting/formatter';
import { highlight } from '../../src/formatting/highlight';
import { MemoryStorage } from '../make';

/** The parts of the page that show messages, loaded as in the page. */
export function messageParts() {
  return {
    formatter: new Lazy(() => Promise.resolve(new Formatter())),
    highlight: new Lazy(() => Promise.resolve(highlight)),
    emoji: new Lazy(() => Promise.resolve(new Catalogue())),
    recentEmoji: new RecentEmoji(new MemoryStorage()),
  } as unknown as App;
}
