import { Lazy } from './lazy';

type Load<T> = () => Promise<T>;

/**
 * The parts of the page that its first picture does without, by the functions that load them. Each is loaded when it
 * is first asked for, or with all others when the page has time. From then on it works without a connection.
 */
export class LazyParts {
  readonly #byLoad = new Map<Load<unknown>, Lazy<unknown>>();
  #hasTime = false;

  /** The part that `load` loads. The function has to be the same one each time. */
  of<T>(load: Load<T>): Lazy<T> {
    const known = this.#byLoad.get(load);
    if (known) return known as Lazy<T>;
    const part = new Lazy(load);
    this.#byLoad.set(load, part);
    if (this.#hasTime) part.load();
    return part;
  }

  /** The first picture is shown: loads every part that was asked for, or will be. */
  loadAll(): void {
    this.#hasTime = true;
    for (const part of this.#byLoad.values()) part.load();
  }

  /** Loads once more what could not be loaded. */
  again(): void {
    for (const part of this.#byLoad.values()) part.again();
  }
}
