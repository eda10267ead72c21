import { type ReadonlySignal, signal } from '@preact/signals';

/** Whether the browser lets the page show notices. */
export type Permission = 'granted' | 'denied' | 'default' | 'missing';

export interface Notice {
  title: string;
  text: string;
  /** A notice takes the place of the one before it that has the same tag. */
  tag: string;
  onOpen(): void;
}

/** The notices that the system shows outside the page. Browsers have none where the page came over plain http. */
export class Notices {
  readonly #window: Window & typeof globalThis;
  readonly #permission = signal<Permission>('missing');

  constructor(window: Window & typeof globalThis) {
    this.#window = window;
    this.#look();
    void this.#watch();
  }

  get permission(): ReadonlySignal<Permission> {
    return this.#permission;
  }

  /** Asks the user. Browsers take this only from a press of a button. */
  async ask(): Promise<void> {
    try {
      await this.#window.Notification.requestPermission();
    } catch {
      // The browser has no notices, or shows its question nowhere.
    }
    this.#look();
  }

  show({ title, text, tag, onOpen }: Notice): void {
    if (this.#permission.peek() !== 'granted') return;
    try {
      // Sound is the page's own matter.
      const options = { body: text, tag, renotify: true, silent: true };
      const notice = new this.#window.Notification(title, options);
      notice.onclick = () => {
        notice.close();
        this.#window.focus();
        onOpen();
      };
    } catch {
      // On phones only a service worker may show them.
      this.#permission.value = 'missing';
    }
  }

  #look(): void {
    const { Notification } = this.#window as Partial<typeof globalThis>;
    this.#permission.value = Notification?.permission ?? 'missing';
  }

  /** The user may change it in the settings of the browser, or in another tab. */
  async #watch(): Promise<void> {
    try {
      const { permissions } = this.#window.navigator;
      const status = await permissions.query({ name: 'notifications' });
      status.onchange = () => this.#look();
    } catch {
      // Then it is seen at the next load.
    }
  }
}
