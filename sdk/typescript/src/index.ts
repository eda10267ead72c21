/** A client of Tailwire for browsers, Node and React Native. */
export type { Cell, MakeCell } from './cell.ts';
export { ClientApi } from './client/api.ts';
export { Client, type ClientEvent, type ClientOptions } from './client/client.ts';
export { type Consumed, Consumer } from './client/consumer.ts';
export { NotSent, type SendOptions, type Sent } from './client/sent.ts';
export { MemoryStore, type Store } from './client/store.ts';
export { type Clock, systemClock } from './clock.ts';
export {
  append,
  apply,
  type Entry,
  expectHistory,
  type MessageEntry,
  messageEntry,
  openAt,
  prepend,
  startTimeline,
  surround,
  type Timeline,
} from './rooms/timeline.ts';
export type { Missed, RoomPosition } from './wire/api/sync.ts';
export { Problem } from './wire/problem.ts';
export type * from './wire/protocol.ts';
