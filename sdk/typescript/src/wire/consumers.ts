import type { ConsumerWithLag } from './generated/http.ts';

/** The place at which a program reads the rooms of a user, which the server keeps. */
export type Consumer = Omit<ConsumerWithLag, 'room_ids' | 'start'> & {
  /** The rooms that it reads; null for all. */
  room_ids: readonly string[] | null;
};
