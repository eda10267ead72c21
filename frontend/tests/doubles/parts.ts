import { signal } from '@preact/signals';
import type { App } from '../../src/app';
import { Lazy } from '../../src/browser/lazy';
import { LazyParts } from '../../src/browser/lazy_parts';
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
    parts: new LazyParts(),
    recentEmoji: new RecentEmoji(new MemoryStorage()),
    router: { route: signal({ name: 'home' }) },
  } as unknown as App;
}
