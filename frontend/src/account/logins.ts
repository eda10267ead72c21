import { signal } from '@preact/signals';
import type { SessionsApi } from 'tailwire-client/wire/api/sessions';
import { problemText } from 'tailwire-client/wire/problem';
import type { Login } from 'tailwire-client/wire/protocol';
import { Freshness } from '../browser/freshness';

/** The sessions of the user. The session of this page is first. */
export class Logins {
  readonly items = signal<readonly Login[]>([]);
  readonly state = signal<'loading' | 'loaded' | 'failed'>('loading');
  readonly error = signal('');
  readonly #sessions: SessionsApi;
  readonly #freshness = new Freshness();

  constructor(sessions: SessionsApi) {
    this.#sessions = sessions;
  }

  async load(): Promise<void> {
    this.state.value = 'loading';
    const asked = this.#freshness.ask();
    try {
      const logins = await this.#sessions.list();
      if (!this.#freshness.accepts('list', asked)) return;
      // What was ended since the list was asked for stays away.
      const left = logins.filter(({ id, current }) => {
        const ended = this.#freshness.isOutdated(id, asked);
        return !ended && (current || !this.#freshness.isOutdated('others', asked));
      });
      this.items.value = left.sort(
        (a, b) =>
          Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at),
      );
      this.state.value = 'loaded';
    } catch (error) {
      if (!this.#freshness.accepts('list', asked)) return;
      this.error.value = problemText(error);
      this.state.value = 'failed';
    }
  }

  async end(id: string): Promise<void> {
    await this.#sessions.end(id);
    this.#freshness.learned(id);
    this.items.value = this.items.peek().filter((login) => login.id !== id);
  }

  async endOthers(): Promise<void> {
    await this.#sessions.endOthers();
    this.#freshness.learned('others');
    this.items.value = this.items.peek().filter(({ current }) => current);
  }
}
