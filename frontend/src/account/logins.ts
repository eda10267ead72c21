import { signal } from '@preact/signals';
import type { SessionsApi } from '../wire/api/sessions';
import { problemText } from '../wire/problem';
import type { Login } from '../wire/protocol';

/** The sessions of the user. The session of this page is first. */
export class Logins {
  readonly items = signal<readonly Login[]>([]);
  readonly state = signal<'loading' | 'loaded' | 'failed'>('loading');
  readonly error = signal('');
  readonly #sessions: SessionsApi;

  constructor(sessions: SessionsApi) {
    this.#sessions = sessions;
  }

  async load(): Promise<void> {
    this.state.value = 'loading';
    try {
      const logins = await this.#sessions.list();
      this.items.value = logins.sort(
        (a, b) =>
          Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at),
      );
      this.state.value = 'loaded';
    } catch (error) {
      this.error.value = problemText(error);
      this.state.value = 'failed';
    }
  }

  async end(id: string): Promise<void> {
    await this.#sessions.end(id);
    this.items.value = this.items.peek().filter((login) => login.id !== id);
  }

  async endOthers(): Promise<void> {
    await this.#sessions.endOthers();
    this.items.value = this.items.peek().filter(({ current }) => current);
  }
}
