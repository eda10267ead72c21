import { IconBadge } from './icon_badge';
import { NoticeSettings } from './notice_settings';
import { type Notice, Notices } from './notices';
import { Sound } from './sound';
import type { TextStorage } from './storage';

/** What the page shows outside itself: notices, a sound, and a number on its icon. Loaded after the first picture. */
export class Signs {
  readonly notices: Notices;
  readonly settings: NoticeSettings;
  readonly #badge: IconBadge;
  readonly #sound: Sound;

  constructor(window: Window & typeof globalThis, storage: TextStorage) {
    this.notices = new Notices(window);
    this.settings = new NoticeSettings(storage);
    this.#badge = new IconBadge(window);
    this.#sound = new Sound(window);
    window.addEventListener('storage', ({ key }) => this.settings.heard(key));
  }

  /** Whether a notice would be seen or heard. */
  get isOpen(): boolean {
    return this.#showsNotices || this.settings.value.sound;
  }

  tell(notice: Notice): void {
    if (this.#showsNotices) this.notices.show(notice);
    if (this.settings.value.sound) void this.#sound.play();
  }

  /** Shows on the icon how many messages are unread. */
  count(unread: number): void {
    this.#badge.show(unread);
  }

  get #showsNotices(): boolean {
    return this.settings.value.shown && this.notices.permission.value === 'granted';
  }
}
