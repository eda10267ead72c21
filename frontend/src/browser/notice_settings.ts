import { type Signal, signal } from '@preact/signals';
import type { TextStorage } from './storage';

const KEY = 'tailwire.notices';

/** What the user wants of notices on this machine. */
interface Settings {
  /** Notices are shown, where the browser lets the page do that. */
  shown: boolean;
  /** They tell what was written. */
  withText: boolean;
  sound: boolean;
  /** The user was asked whether there shall be notices, and answered. */
  asked: boolean;
}

const AT_FIRST: Settings = { shown: true, withText: true, sound: false, asked: false };

/** The settings of notices. They are kept on this machine, and all tabs have the same. */
export class NoticeSettings {
  readonly #storage: TextStorage;
  readonly #value: Signal<Settings>;

  constructor(storage: TextStorage) {
    this.#storage = storage;
    this.#value = signal(this.#stored());
  }

  get value(): Settings {
    return this.#value.value;
  }

  change(change: Partial<Settings>): void {
    this.#value.value = { ...this.#stored(), ...change };
    this.#storage.setItem(KEY, JSON.stringify(this.#value.peek()));
  }

  /** Another tab has changed what is stored under this key; null stands for all keys. */
  heard(key: string | null): void {
    if (key === KEY || key === null) this.#value.value = this.#stored();
  }

  #stored(): Settings {
    try {
      const stored = JSON.parse(this.#storage.getItem(KEY) ?? '{}') as Record<string, unknown>;
      const isKept = (name: keyof Settings) => typeof stored[name] === 'boolean';
      const names = (Object.keys(AT_FIRST) as (keyof Settings)[]).filter(isKept);
      return { ...AT_FIRST, ...Object.fromEntries(names.map((name) => [name, stored[name]])) };
    } catch {
      return AT_FIRST;
    }
  }
}
