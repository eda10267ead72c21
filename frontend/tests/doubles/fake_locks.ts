type Callback = (lock: Lock | null) => Promise<unknown>;

/** The locks of one browser, exclusive ones only. */
export class FakeLocks {
  readonly #queues = new Map<string, (() => Promise<void>)[]>();

  /** The locks as one tab sees them, and a function that ends the tab. */
  makeTab(): { locks: Pick<LockManager, 'request'>; end(): void } {
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const request = (name: string, options: LockOptions, callback: Callback) =>
      this.#request(name, options, (lock) => Promise.race([callback(lock), ended]));
    return { locks: { request } as Pick<LockManager, 'request'>, end };
  }

  #request(
    name: string,
    { ifAvailable, signal }: LockOptions,
    callback: Callback,
  ): Promise<unknown> {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    if (ifAvailable && queue.length > 0) return callback(null);
    return new Promise((resolve, reject) => {
      const turn = async () => {
        await Promise.resolve(callback({ name, mode: 'exclusive' })).then(resolve, reject);
        queue.shift();
        void queue[0]?.();
      };
      signal?.addEventListener('abort', () => {
        const place = queue.indexOf(turn);
        if (place > 0) queue.splice(place, 1);
        reject(signal.reason);
      });
      if (queue.push(turn) === 1) void turn();
    });
  }
}
