import type * as http from '../generated/http.ts';
import { Problem } from '../problem.ts';
import type { Login, Member, Message, Page, PublicUser } from '../protocol.ts';
import type { Requests } from '../requests.ts';

/** An account as administrators see it. */
export type Account = PublicUser &
  Pick<http.AccountOut, 'created_at' | 'admin' | 'disabled' | 'erasing'>;

export type AccountState = http.AccountState;
export type AccountToMake = Omit<http.AccountToMake, 'display_name'> & { display_name?: string };

/** Who did what to whom. Null means that it is not known, or that the account is gone. */
export type AuditEvent = Omit<http.AuditEventOut, 'event'> & { event: string };

/** A room as administrators see it, also where they are no members. */
export type AdminRoom = http.AdminRoomOut;

/** A process that serves. All but the one that answers are as they were `age_ms` ago. */
export type Node = http.NodeOut;

export type Status = Omit<http.StatusOut, 'status'> & { status: 'ready' | 'unavailable' };

export type Setting = http.SettingOut;
export type Settings = http.SettingsOut;

export type ReportState = http.ReportState;

/** A message that somebody reported. The names are null where the room or the user is gone. */
export type Report = Omit<http.ReportOut, 'reporter'> & { reporter: PublicUser | null };

/** A report with its message as it is now; null where it is not there any more. */
export type ReadReport = Report & { message: Message | null };

/** What only administrators may ask. Everybody else is answered as if it was not there. */
export class AdminApi {
  readonly #requests: Requests;
  readonly #onMissing: () => void;

  /** `onMissing` is called when something is not there: the user may be no administrator any more. */
  constructor(requests: Requests, onMissing: () => void) {
    this.#requests = requests;
    this.#onMissing = onMissing;
  }

  /** The oldest first: those whose names contain `text`, and that are in `state`. */
  accounts(text: string, state: AccountState | null, cursor?: string): Promise<Page<Account>> {
    const query = { q: text || undefined, state: state ?? undefined, cursor, limit: 50 };
    return this.#get('admin/users', query);
  }

  account(id: string): Promise<Account> {
    return this.#get(accountPath(id));
  }

  make(account: AccountToMake): Promise<Account> {
    return this.#send('POST', 'admin/users', account);
  }

  change(id: string, flags: { disabled: boolean } | { admin: boolean }): Promise<Account> {
    return this.#send('PATCH', accountPath(id), flags);
  }

  resetPassword(id: string, new_password: string): Promise<void> {
    return this.#send('POST', `${accountPath(id)}/password`, { new_password });
  }

  erase(id: string): Promise<void> {
    return this.#send('DELETE', accountPath(id));
  }

  removeAvatar(id: string): Promise<void> {
    return this.#send('DELETE', `${accountPath(id)}/avatar`);
  }

  /** The sessions of a user, the newest first. */
  async logins(id: string): Promise<Login[]> {
    return (await this.#get<{ items: Login[] }>(`${accountPath(id)}/sessions`)).items;
  }

  endLogin(id: string, session_id: string): Promise<void> {
    return this.#send('DELETE', `${accountPath(id)}/sessions/${encodeURIComponent(session_id)}`);
  }

  endLogins(id: string): Promise<void> {
    return this.#send('DELETE', `${accountPath(id)}/sessions`);
  }

  /** The newest first: of one kind, and about one user. */
  audit(event: string, user_id: string, cursor?: string): Promise<Page<AuditEvent>> {
    const query = { event: event || undefined, user_id: user_id || undefined, cursor, limit: 50 };
    return this.#get('admin/audit', query);
  }

  /** The oldest first: those whose names contain `text`. */
  rooms(text: string, cursor?: string): Promise<Page<AdminRoom>> {
    return this.#get('admin/rooms', { q: text || undefined, cursor, limit: 50 });
  }

  room(id: string): Promise<AdminRoom> {
    return this.#get(adminRoomPath(id));
  }

  members(room_id: string, cursor?: string): Promise<Page<Member>> {
    return this.#get(`${adminRoomPath(room_id)}/members`, { cursor, limit: 50 });
  }

  /** Makes a user an owner of a room, and a member where they are none. */
  nameOwner(room_id: string, owner_id: string): Promise<AdminRoom> {
    return this.#send('PATCH', adminRoomPath(room_id), { owner_id });
  }

  deleteRoom(id: string): Promise<void> {
    return this.#send('DELETE', adminRoomPath(id));
  }

  /** The newest first. */
  reports(state: ReportState | null, cursor?: string): Promise<Page<Report>> {
    return this.#get('admin/reports', { state: state ?? undefined, cursor, limit: 50 });
  }

  /** Reads the reported message, too, which the audit log then says. */
  report(id: string): Promise<ReadReport> {
    return this.#get(`admin/reports/${encodeURIComponent(id)}`);
  }

  setReport(id: string, state: ReportState): Promise<Report> {
    return this.#send('PATCH', `admin/reports/${encodeURIComponent(id)}`, { state });
  }

  status(): Promise<Status> {
    return this.#get('admin/status');
  }

  settings(): Promise<Settings> {
    return this.#get('admin/settings');
  }

  #get<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
    return this.#told(this.#requests.get<T>(path, query));
  }

  #send<T = void>(method: string, path: string, body?: object): Promise<T> {
    return this.#told(this.#requests.send<T>(method, path, body && { body }));
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_found') this.#onMissing();
      throw error;
    }
  }
}

function accountPath(id: string): string {
  return `admin/users/${encodeURIComponent(id)}`;
}

function adminRoomPath(id: string): string {
  return `admin/rooms/${encodeURIComponent(id)}`;
}
