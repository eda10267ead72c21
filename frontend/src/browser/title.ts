const NAME = 'Tailwire';

/** The title of the document: the unread count, the room, and the name of the app. */
export function titleText(place: string | null, unread: number): string {
  const count = unread > 0 ? `(${unread > 99 ? '99+' : unread}) ` : '';
  return place ? `${count}${place} · ${NAME}` : `${count}${NAME}`;
}
