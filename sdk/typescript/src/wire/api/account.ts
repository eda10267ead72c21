import type { Me } from '../protocol.ts';
import type { Requests } from '../requests.ts';

/** The account of the user who asks. */
export class AccountApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  me(): Promise<Me> {
    return this.#requests.get('users/me');
  }

  rename(displayName: string): Promise<Me> {
    return this.#requests.send('PATCH', 'users/me', { body: { display_name: displayName } });
  }

  changePassword(current: string, next: string): Promise<void> {
    const body = { current_password: current, new_password: next };
    return this.#requests.send('PUT', 'auth/password', { body });
  }

  erase(password: string): Promise<void> {
    return this.#requests.send('DELETE', 'users/me', { body: { password }, session: true });
  }

  /** Everything of the user as JSON Lines. */
  export(onBytes: (count: number) => void, signal: AbortSignal): Promise<Blob> {
    return this.#requests.download('users/me/export', onBytes, signal);
  }
}
