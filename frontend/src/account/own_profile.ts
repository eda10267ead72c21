import type { Profile } from 'tailwire-client/wire/protocol';
import type { Requests } from 'tailwire-client/wire/requests';

/** What the user tells others about themselves, besides their name. */
export type AboutMe = Required<Pick<Profile, 'status_text' | 'time_zone'>>;

/** The user as others see them. Each method fails with a Problem. */
export class OwnProfile {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  load(): Promise<Profile> {
    return this.#requests.get('users/me');
  }

  save(about: AboutMe): Promise<Profile> {
    return this.#requests.send('PATCH', 'users/me', { body: about });
  }
}
