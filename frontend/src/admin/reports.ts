import type { AdminApi, Report, ReportState } from 'tailwire-client/wire/api/admin';
import { PagedList } from '../wire/paged_list';

/** The reports of messages, newest first: those of one state, or all. */
export class Reports extends PagedList<Report> {
  readonly #api: AdminApi;
  #state: ReportState | null = 'open';

  constructor(api: AdminApi) {
    super((cursor) => api.reports(this.#state, cursor));
    this.#api = api;
  }

  choose(state: ReportState | null): void {
    this.#state = state;
    void this.load();
  }

  /** Closes a report, or opens it again. It stays in the list until that is loaded again. */
  async set(id: string, state: ReportState): Promise<void> {
    const changed = await this.#api.setReport(id, state);
    this.change((items) => items.map((one) => (one.id === id ? changed : one)));
  }
}
