import type { Invite, Made, Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';

export interface NewInvite {
  max_uses: number;
  /** Seconds. */
  expires_in: number;
  /** Who uses it becomes an administrator. */
  admin: boolean;
}

/** Invites to the server, for administrators. */
export class InvitesApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  make(invite: NewInvite): Promise<Made<Invite>> {
    return this.#requests.send('POST', 'admin/invites', { body: invite });
  }

  /** The newest first. */
  list(cursor?: string): Promise<Page<Invite>> {
    return this.#requests.get('admin/invites', { cursor, limit: 100 });
  }

  end(id: string): Promise<void> {
    return this.#requests.send('DELETE', `admin/invites/${encodeURIComponent(id)}`);
  }
}
