import type { AdminApi, AuditEvent } from 'tailwire-client/wire/api/admin';
import { PagedList } from '../wire/paged_list';

/** The audit log, newest events first: all, or those of one kind, or about one user. */
export class AuditLog extends PagedList<AuditEvent> {
  #event = '';
  #user_id = '';

  constructor(api: AdminApi) {
    super((cursor) => api.audit(this.#event, this.#user_id, cursor));
  }

  /** Lists only events of a kind, and about a user. Empty texts list all. */
  choose(event: string, user_id: string): void {
    this.#event = event;
    this.#user_id = user_id;
    void this.load();
  }
}
