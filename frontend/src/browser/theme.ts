import { effect, signal } from '@preact/signals';
import type { TextStorage } from './storage';

const STORAGE_KEY = 'tailwire.theme';

export type ThemeChoice = 'system' | 'light' | 'dark';

/** The theme: light, dark, or the one of the system. The choice is stored. */
export class Theme {
  readonly choice = signal<ThemeChoice>('system');

  constructor(storage: TextStorage, root: HTMLElement) {
    const stored = storage.getItem(STORAGE_KEY);
    if (stored === 'light' || stored === 'dark') this.choice.value = stored;
    effect(() => {
      const choice = this.choice.value;
      if (choice === 'system') {
        delete root.dataset.theme;
        storage.removeItem(STORAGE_KEY);
      } else {
        root.dataset.theme = choice;
        storage.setItem(STORAGE_KEY, choice);
      }
    });
  }
}
