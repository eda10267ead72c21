/** Which kinds of entries a webhook is sent. Pure. */

/** The kinds that this page knows, in the order in which they are offered. */
const TITLES = new Map([
  ['message', 'Messages'],
  ['edit', 'Edits of messages'],
  ['delete', 'Deletions of messages'],
  ['reaction', 'Reactions'],
  ['pin', 'Pins'],
  ['member', 'Members who come, go or get another role'],
  ['room', 'Changes of the name and the settings of the room'],
]);

export interface OfferedKind {
  kind: string;
  /** The name of its field in a form. */
  name: string;
  title: string;
}

/** What is offered for a webhook. A program may have chosen kinds that this page does not know: they stay. */
export function offeredKinds(chosen: readonly string[] | null): OfferedKind[] {
  const kinds = [...TITLES.keys(), ...(chosen ?? []).filter((kind) => !TITLES.has(kind))];
  return kinds.map((kind) => ({ kind, name: fieldOf(kind), title: titleOf(kind) }));
}

export function fieldOf(kind: string): string {
  return `kind_${kind}`;
}

function titleOf(kind: string): string {
  return TITLES.get(kind) ?? `Entries of the kind ${kind}`;
}

/** Which kinds a webhook is sent, in plain words. */
export function kindsText(kinds: readonly string[] | null): string {
  if (kinds === null) return '';
  const chosen = offeredKinds(kinds).filter(({ kind }) => kinds.includes(kind));
  return `Only: ${chosen.map(({ title }) => title).join(', ')}.`;
}
