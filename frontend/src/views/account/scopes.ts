import type { Scope } from 'tailwire-client/wire/program_tokens';

/** What a token may allow, in the order in which it is offered. */
export const SCOPES: readonly { value: Scope; title: string; detail: string }[] = [
  { value: 'read', title: 'Read', detail: 'See rooms, members and messages, also as they come.' },
  {
    value: 'write',
    title: 'Write',
    detail: 'Send, change and delete messages, react, mark as read.',
  },
  { value: 'manage', title: 'Manage', detail: 'Make and change rooms, add and remove members.' },
];
