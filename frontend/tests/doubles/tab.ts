import type { Clock } from 'tailwire-client/clock';
import { Tab } from '../../src/browser/tab';
import { MemoryStorage } from '../make';

/** A tab of a browser without locks, which never sees another one. */
export function makeTab(clock: Clock): Tab {
  return new Tab({ storage: new MemoryStorage(), locks: undefined, clock, makeId: () => 'tab' });
}
