import type { Api } from '../wire/api/api';
import { Invites } from './invites';
import { Logins } from './logins';
import { Takeout } from './takeout';

export type AccountParts = ReturnType<typeof wireAccount>;

/** Makes the parts that hold the user's own data. `page` is the address of this page without its hash. */
export function wireAccount(api: Api, page: string) {
  return {
    logins: new Logins(api.sessions),
    invites: new Invites(api, page),
    takeout: new Takeout(api.account),
  };
}
