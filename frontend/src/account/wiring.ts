import type { Api } from 'tailwire-client/wire/api/api';
import { ProgramsApi } from 'tailwire-client/wire/api/programs';
import { Lazy } from '../browser/lazy';
import { Logins } from './logins';
import { OwnProfile } from './own_profile';
import { Programs } from './programs';
import { Rights } from './rights';
import { Takeout } from './takeout';

export type AccountParts = ReturnType<typeof wireAccount>;

/** Makes the parts that hold the user's own data. `page` is the address of this page without its hash. */
export function wireAccount(api: Api, page: string) {
  const rights = new Rights(api.account);
  return {
    logins: new Logins(api.sessions),
    profile: new OwnProfile(api.requests),
    programs: new Programs(new ProgramsApi(api.requests)),
    takeout: new Takeout(api.account),
    rights,
    /** What only administrators need. Loaded when one opens their screen. */
    admin: new Lazy(async () => (await import('../admin/wiring')).wireAdmin(api, page, rights)),
  };
}
