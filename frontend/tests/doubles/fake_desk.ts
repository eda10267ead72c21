import type { Notice } from '../../src/browser/notices';
import { Turn } from '../../src/browser/turn';
import type { NoticeDesk } from '../../src/rooms/notifying';

/** A desk that keeps the notices it is told. */
export class FakeDesk implements NoticeDesk {
  readonly notices: Notice[] = [];
  readonly opened: [room_id: string, seq: number][] = [];
  shows = true;
  tells = true;

  isOpen(): boolean {
    return this.shows;
  }

  withText(): boolean {
    return this.tells;
  }

  tell(notice: Notice): void {
    this.notices.push(notice);
  }

  open(room_id: string, seq: number): void {
    this.opened.push([room_id, seq]);
  }
}

/** What the tabs of a browser with this storage agree by. */
export function sharedBy(storage: Storage) {
  return { storage, turn: new Turn('notices', undefined) };
}
