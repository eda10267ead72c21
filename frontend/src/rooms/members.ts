import { batch, signal } from '@preact/signals';
import type { Api } from 'tailwire-client/wire/api/api';
import type { EntryEvent, Member, Role, ServerEvent } from 'tailwire-client/wire/protocol';
import { Freshness } from '../browser/freshness';
import type { Names } from './names';

// The panel shows at most so many members, and says when there are more.
const MOST_SHOWN = 500;

export interface MemberList {
  state: 'loading' | 'loaded' | 'failed';
  members: readonly Member[];
  more: boolean;
}

type UserEvent = Extract<ServerEvent, { type: 'user' }>;
type Change = (members: readonly Member[]) => readonly Member[];
type Listed = (members: readonly Member[]) => void;

/**
 * The members of each room whose members were loaded. What changes while a list is on its way is
 * applied to that list too, because it may be older.
 */
export class Members {
  readonly #api: Pick<Api, 'members'>;
  readonly #names: Names;
  readonly #listing: (room_id: string) => Listed;
  readonly #freshness = new Freshness();
  /** What changed in a room since its list was asked for. */
  readonly #changes = new Map<string, Change[]>();
  readonly #byRoom = signal<ReadonlyMap<string, MemberList>>(new Map());

  /** `listing` is called when a list is asked for, and what it returns when the list has come. */
  constructor(
    api: Pick<Api, 'members'>,
    names: Names,
    listing: (room_id: string) => Listed = () => () => {},
  ) {
    this.#api = api;
    this.#names = names;
    this.#listing = listing;
  }

  of(room_id: string): MemberList | undefined {
    return this.#byRoom.value.get(room_id);
  }

  /** Loads the members of a room unless they are known. Messages show their names. */
  async know(room_id: string): Promise<void> {
    const state = this.#byRoom.peek().get(room_id)?.state ?? 'failed';
    if (state === 'failed') await this.load(room_id);
  }

  /** Loads the members of a room. Of two lists on their way, the one that was asked for last counts. */
  async load(room_id: string): Promise<void> {
    const known = this.#byRoom.peek().get(room_id);
    this.#set(room_id, { members: [], more: false, ...known, state: 'loading' });
    const asked = this.#names.ask();
    const listed = this.#listing(room_id);
    const changes: Change[] = [];
    this.#changes.set(room_id, changes);
    const isLast = () => this.#changes.get(room_id) === changes;
    try {
      const members: Member[] = [];
      let cursor: string | null = null;
      do {
        const page = await this.#api.members.list(room_id, cursor ?? undefined);
        members.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor && members.length < MOST_SHOWN);
      if (!isLast()) return;
      batch(() => {
        for (const { user_id, display_name, avatar } of members)
          this.#names.answered(user_id, display_name, asked, avatar);
        listed(members);
        const now = changes.reduce<readonly Member[]>((list, change) => change(list), members);
        this.#set(room_id, { state: 'loaded', members: now, more: cursor !== null });
      });
    } catch {
      if (!isLast()) return;
      const list = this.#byRoom.peek().get(room_id);
      this.#set(room_id, { members: [], more: false, ...list, state: 'failed' });
    }
    this.#changes.delete(room_id);
  }

  /** The room's log starts over, so its members may be others. */
  outdated(room_id: string): void {
    if (this.#byRoom.peek().has(room_id)) void this.load(room_id);
  }

  /** Gives a user a role, or adds them with it. */
  async setRole(room_id: string, user_id: string, role: Role): Promise<void> {
    const asked = this.#freshness.ask();
    const member = await this.#api.members.setRole(room_id, user_id, role);
    if (!this.#freshness.isOutdated(`${room_id} ${user_id}`, asked)) this.#put(room_id, member);
  }

  async remove(room_id: string, user_id: string): Promise<void> {
    const asked = this.#freshness.ask();
    await this.#api.members.remove(room_id, user_id);
    // What the entries of the room told meanwhile is at least as new as the answer.
    if (this.#freshness.isOutdated(`${room_id} ${user_id}`, asked)) return;
    this.#change(room_id, (members) => members.filter((member) => member.user_id !== user_id));
  }

  apply(event: EntryEvent): void {
    if (event.type !== 'member') return;
    const { room_id, user_id, username, role, at } = event;
    this.#freshness.learned(`${room_id} ${user_id}`);
    if (event.display_name) this.#names.suggest(user_id, event.display_name);
    const display_name = event.display_name ?? username;
    this.#change(room_id, (members) => {
      const others = members.filter((member) => member.user_id !== user_id);
      if (!role) return others;
      const known = members.find((member) => member.user_id === user_id);
      const is_bot = event.is_bot ?? false;
      const fresh: Member = { user_id, username, display_name, is_bot, role, joined_at: at };
      return [...others, { ...fresh, ...known, role }];
    });
  }

  /** A user has another display name, or another picture. */
  renamed({ user_id, display_name, avatar }: UserEvent): void {
    this.#names.learn(user_id, display_name, avatar);
    for (const room_id of this.#byRoom.peek().keys())
      this.#change(room_id, (members) =>
        members.map((member) =>
          member.user_id === user_id ? { ...member, display_name } : member,
        ),
      );
  }

  #put(room_id: string, fresh: Member): void {
    this.#names.learn(fresh.user_id, fresh.display_name, fresh.avatar);
    this.#change(room_id, (members) => {
      const known = members.find(({ user_id }) => user_id === fresh.user_id);
      const others = members.filter(({ user_id }) => user_id !== fresh.user_id);
      return [...others, { ...known, ...fresh }];
    });
  }

  #change(room_id: string, change: Change): void {
    this.#changes.get(room_id)?.push(change);
    const list = this.#byRoom.peek().get(room_id);
    if (list) this.#set(room_id, { ...list, members: change(list.members) });
  }

  #set(room_id: string, list: MemberList): void {
    this.#byRoom.value = new Map(this.#byRoom.peek()).set(room_id, list);
  }
}
