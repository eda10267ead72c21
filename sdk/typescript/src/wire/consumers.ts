/** The shape of consumers in docs/protocol.md. */

/** The place at which a program reads the rooms of a user, which the server keeps. */
export interface Consumer {
  name: string;
  /** The rooms that it reads; null for all. */
  room_ids: readonly string[] | null;
  created_at: string;
  /** When it last said how far it has read; null where it never did. */
  acked_at: string | null;
  /** How many entries it has not read yet. */
  lag: number;
}
