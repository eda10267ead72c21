/** Times as text, in the reader's language and time zone. */

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const MEDIUM = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const DAY_MILLISECONDS = 86_400_000;

export function clockTime(at: string): string {
  return format(CLOCK, at);
}

export function fullTime(at: string): string {
  return format(FULL, at);
}

export function mediumTime(at: string): string {
  return format(MEDIUM, at);
}

/** A day of the calendar, such as 2026-11-29; any other text as it is. */
export function dayText(day: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(day) ? format(DATE, `${day}T12:00`) || day : day;
}

/** The local calendar day, as a key. */
export function dayKey(at: string): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** "Today", "Yesterday", then the date. */
export function dayName(at: string, now = new Date()): string {
  const days = daysBetween(new Date(at), now);
  if (Number.isNaN(days)) return '';
  if (days === 0 || days === 1) return capital(RELATIVE.format(-days, 'day'));
  const sameYear = new Date(at).getFullYear() === now.getFullYear();
  return format(sameYear ? DAY : DAY_OF_YEAR, at);
}

/** The short form for lists: the time for today, the weekday for this week, else the date. */
export function shortTime(at: string, now = new Date()): string {
  const days = daysBetween(new Date(at), now);
  if (days <= 0) return clockTime(at);
  return format(days < 7 ? WEEKDAY : SHORT_DAY, at);
}

/** "5 minutes ago", "yesterday". `now` is the reader's clock, which may be wrong. */
export function ago(at: string, now = new Date()): string {
  const seconds = Math.max(0, (now.getTime() - new Date(at).getTime()) / 1000);
  if (Number.isNaN(seconds)) return '';
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return RELATIVE.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return RELATIVE.format(-Math.floor(seconds / 3600), 'hour');
  return RELATIVE.format(-Math.floor(seconds / 86_400), 'day');
}

function daysBetween(date: Date, now: Date): number {
  const midnight = (of: Date) => new Date(of.getFullYear(), of.getMonth(), of.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / DAY_MILLISECONDS);
}

function format(style: Intl.DateTimeFormat, at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : style.format(date);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
