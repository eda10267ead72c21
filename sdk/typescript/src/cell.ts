/** A value that changes. Signals of a user interface are cells, so what is drawn from one follows it. */
export interface Cell<T> {
  value: T;
  /** The value, without following it. */
  peek(): T;
}

/** Makes the cells of a part. */
export type MakeCell = <T>(value: T) => Cell<T>;

/** Returns a function that makes cells which tell when they have changed. */
export function watchedCells(changed: () => void): MakeCell {
  return <T>(value: T): Cell<T> => {
    let now = value;
    return {
      get value() {
        return now;
      },
      set value(next: T) {
        now = next;
        changed();
      },
      peek: () => now,
    };
  };
}
