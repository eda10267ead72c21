import type { Clock } from 'tailwire-client/clock';
import { MembersApi } from 'tailwire-client/wire/api/members';
import type { Member } from 'tailwire-client/wire/protocol';
import type { Requests } from 'tailwire-client/wire/requests';
import { SearchedList } from '../wire/searched_list';

/** Finds members of a room by a part of their names, also where the room has too many to list. */
export class MemberSearch extends SearchedList<Member> {
  constructor(requests: Requests, clock: Clock, room_id: string) {
    const api = new MembersApi(requests);
    super((wanted, cursor) => api.list(room_id, cursor, wanted || undefined), clock);
  }
}

/** The member with this username; null where there is none. Fails with a Problem. */
export async function memberNamed(
  requests: Requests,
  room_id: string,
  username: string,
): Promise<Member | null> {
  const { items } = await new MembersApi(requests).list(room_id, undefined, username);
  return items.find((member) => member.username === username) ?? null;
}
