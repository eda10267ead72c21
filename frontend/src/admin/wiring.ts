import { systemClock } from 'tailwire-client/clock';
import { AdminApi } from 'tailwire-client/wire/api/admin';
import type { Api } from 'tailwire-client/wire/api/api';
import { InvitesApi } from 'tailwire-client/wire/api/invites';
import { Invites } from '../wire/invites';
import { Accounts } from './accounts';
import { AuditLog } from './audit_log';
import { Reports } from './reports';
import { AdminRooms } from './rooms';
import { StatusWatch } from './status_watch';

export type AdminParts = ReturnType<typeof wireAdmin>;

/** Who finds out whether the user is still an administrator. */
interface Rights {
  look(): Promise<void>;
}

/** Makes the parts of the administrators' screen. `page` is the address of this page without its hash. */
export function wireAdmin(api: Api, page: string, rights: Rights) {
  const admin = new AdminApi(api.requests, () => void rights.look());
  return {
    api: admin,
    accounts: new Accounts(admin, systemClock),
    audit: new AuditLog(admin),
    invites: new Invites(new InvitesApi(api.requests), page),
    reports: new Reports(admin),
    rooms: new AdminRooms(admin, systemClock),
    status: new StatusWatch(admin, systemClock),
  };
}
