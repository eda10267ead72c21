import { signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { Api } from 'tailwire-client/wire/api/api';
import type { NewAccount } from 'tailwire-client/wire/api/sessions';
import { jitter } from 'tailwire-client/wire/backoff';
import { Problem } from 'tailwire-client/wire/problem';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import type { TokenStore } from '../wire/tokens';

export type AuthState =
  | { phase: 'restoring'; failed: boolean }
  | { phase: 'signed_out'; notice: string | null }
  | { phase: 'signed_in'; user: PublicUser };

const EXPIRED = 'Your sign-in has expired. Log in again to go on.';
const ERASED = 'Your account is deleted. Thank you for having been here.';

/** Which user is signed in on this page. */
export class Auth {
  readonly state = signal<AuthState>({ phase: 'restoring', failed: false });
  readonly #api: Pick<Api, 'account' | 'sessions'>;
  readonly #tokens: TokenStore;
  readonly #clock: Clock;
  #cancelRetry: () => void = () => {};

  constructor(api: Pick<Api, 'account' | 'sessions'>, tokens: TokenStore, clock: Clock) {
    this.#api = api;
    this.#tokens = tokens;
    this.#clock = clock;
    tokens.onSignedIn = () => void this.restore();
  }

  /** Whether somebody is known to have signed in on this page. */
  get wasSignedIn(): boolean {
    return this.#tokens.wasSignedIn;
  }

  /**
   * Restores the sign-in after a reload. An unreachable server does not end the sign-in. Where
   * nothing is known of one, the cookie is tried once.
   */
  async restore(attempt = 0): Promise<void> {
    this.#cancelRetry();
    if (!this.#tokens.canRenew) {
      this.state.value = { phase: 'signed_out', notice: null };
      return;
    }
    if (this.#tokens.isLeaving) {
      await this.logout();
      return;
    }
    const { signIn, wasSignedIn } = this.#tokens;
    try {
      const user = await this.#api.account.me();
      if (this.#tokens.signIn === signIn) this.state.value = { phase: 'signed_in', user };
    } catch (error) {
      if (error instanceof Problem && error.temporary) {
        this.state.value = { phase: 'restoring', failed: true };
        const wait = Math.max(1000, jitter(attempt + 1, this.#clock));
        this.#cancelRetry = this.#clock.after(wait, () => void this.restore(attempt + 1));
      } else this.end(wasSignedIn ? EXPIRED : null);
    }
  }

  /** `invite` is the code of an invite, where one is needed. */
  async signup(
    username: string,
    password: string,
    displayName: string,
    invite?: string,
  ): Promise<void> {
    const account = newAccount(username, password, displayName);
    const user = await this.#api.sessions.signUp(account, invite);
    this.state.value = { phase: 'signed_in', user };
  }

  /** Makes the account of the first administrator, with the token of the setup link. */
  async setUp(
    token: string,
    username: string,
    password: string,
    displayName: string,
  ): Promise<void> {
    const account = newAccount(username, password, displayName);
    const user = await this.#api.sessions.setUp(account, token);
    this.state.value = { phase: 'signed_in', user };
  }

  async login(username: string, password: string): Promise<void> {
    const user = await this.#api.sessions.logIn(username, password);
    this.state.value = { phase: 'signed_in', user };
  }

  async rename(displayName: string): Promise<void> {
    const user = await this.#api.account.rename(displayName);
    this.state.value = { phase: 'signed_in', user };
  }

  /** Changes the password. All other sessions of the user end. */
  changePassword(current: string, next: string): Promise<void> {
    return this.#api.account.changePassword(current, next);
  }

  /** Starts to erase the account, which cannot be stopped. All sessions of the user end. */
  async erase(password: string): Promise<void> {
    await this.#api.account.erase(password);
    this.#tokens.leave();
    this.end(ERASED);
  }

  /** Logs out on this page and the user's others, even when the server cannot be told yet. */
  async logout(): Promise<void> {
    const told = this.#api.sessions.logOut().then(
      () => true,
      (error) => !(error instanceof Problem && error.temporary),
    );
    this.#tokens.leave();
    this.#signOut(null);
    const { signIn } = this.#tokens;
    if ((await told) && this.#tokens.signIn === signIn) this.#tokens.clear();
  }

  /** Another tab logged out. */
  left(): void {
    this.#signOut(null);
  }

  /** The session has ended. The log-in screen says why. */
  end(notice: string | null): void {
    this.#tokens.clear();
    this.#signOut(notice);
  }

  expire(): void {
    this.end(EXPIRED);
  }

  #signOut(notice: string | null): void {
    this.#cancelRetry();
    this.state.value = { phase: 'signed_out', notice };
  }
}

function newAccount(username: string, password: string, displayName: string): NewAccount {
  return { username, password, ...(displayName && { display_name: displayName }) };
}
