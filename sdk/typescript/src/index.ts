/** A client of Tailwire for browsers, Node and React Native. */
export type { Cell, MakeCell } from './cell.ts';
export {
  Client,
  type ClientEvent,
  type ClientOptions,
  NotSent,
  type SendOptions,
  type Sent,
} from './client/client.ts';
export { type Consumed, Consumer } from './client/consumer.ts';
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
export { Api } from './wire/api/api.ts';
export { Problem } from './wire/problem.ts';
export type * from './wire/protocol.ts';
