/**
 * Checks of records, made from a table of their fields. The types of the records are made from the
 * same table. Pure.
 */

export type Check<T> = (value: unknown) => value is T;
export type Shape = Readonly<Record<string, Check<unknown>>>;

type Checked<C> = C extends Check<infer T> ? T : never;
type Optional<S> = { [N in keyof S]: undefined extends Checked<S[N]> ? N : never }[keyof S];

/** The record that a shape describes. */
export type Fields<S> = { [N in Exclude<keyof S, Optional<S>>]: Checked<S[N]> } & {
  [N in Optional<S>]?: Checked<S[N]>;
};

export const text: Check<string> = (value) => typeof value === 'string';
export const number: Check<number> = (value) => typeof value === 'number';
export const whole = Number.isSafeInteger as Check<number>;
export const flag: Check<boolean> = (value) => typeof value === 'boolean';

/** The field may be missing or null. */
export function maybe<T>(check: Check<T>): Check<T | null | undefined> {
  return (value) => value === undefined || value === null || check(value);
}

export function list<T>(check: Check<T>): Check<T[]> {
  return (value) => Array.isArray(value) && value.every(check);
}

/** Any object. Its fields are not checked. */
export function object<T extends object>(): Check<T> {
  return (value): value is T => typeof value === 'object' && value !== null;
}

export function fits(fields: Readonly<Record<string, unknown>>, shape: Shape): boolean {
  return Object.entries(shape).every(([name, check]) =>
    // Only the record's own fields count, because every object inherits a "constructor".
    check(Object.hasOwn(fields, name) ? fields[name] : undefined),
  );
}
