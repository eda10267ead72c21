import { type ReadonlySignal, signal } from '@preact/signals';

/**
 * A part of the page that is loaded when it is first asked for, so that the page itself opens
 * sooner. Whoever reads `value` while rendering is drawn again when the part is there.
 */
export class Lazy<T> {
  readonly #load: () => Promise<T>;
  readonly #value = signal<T | null>(null);
  readonly #failed = signal(false);
  #began = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** The part, or null while it is not loaded. Reading this begins to load it. */
  get value(): T | null {
    this.load();
    return this.#value.value;
  }

  /** Whether it could not be loaded. It is not tried again before somebody asks for that. */
  get failed(): ReadonlySignal<boolean> {
    return this.#failed;
  }

  /** The part, or null while it is not loaded. Reading this does not load it. */
  get loaded(): T | null {
    return this.#value.value;
  }

  /** Begins to load the part, unless that has begun. */
  load(): void {
    if (!this.#began) void this.#begin();
  }

  /** Loads the part once more where that failed. */
  again(): void {
    if (this.#failed.peek()) void this.#begin();
  }

  async #begin(): Promise<void> {
    this.#began = true;
    // In a later task, because `value` may be read while a view is drawn.
    await Promise.resolve();
    this.#failed.value = false;
    try {
      this.#value.value = await this.#load();
    } catch {
      this.#failed.value = true;
    }
  }
}
