/** The time at another place, in the reader's language; null where the browser does not know its zone. */
export function timeIn(zone: string, now: Date): string | null {
  try {
    const style = { weekday: 'short', hour: 'numeric', minute: '2-digit', timeZone: zone } as const;
    return new Intl.DateTimeFormat(undefined, style).format(now);
  } catch {
    return null;
  }
}

/** The time zone of this machine; null where the browser does not tell. */
export function ownZone(): string | null {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || null;
}
