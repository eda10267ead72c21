const NAME = 'Tailwire';

/** The document's title: how much is unread, where one is, and what this is. */
export function titleText(place: string | null, unread: number): string {
  const count = unread > 0 ? `(${unread > 99 ? '99+' : unread}) ` : '';
  return place ? `${count}${place} · ${NAME}` : `${count}${NAME}`;
}
