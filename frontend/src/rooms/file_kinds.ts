/** What is written about files. Pure. */

const KINDS: readonly [RegExp, string][] = [
  [/^image\//, 'Picture'],
  [/^audio\//, 'Sound'],
  [/^video\//, 'Film'],
  [/^application\/pdf$/, 'PDF'],
  [/^application\/(zip|gzip)$/, 'Archive'],
  [/^application\/vnd\./, 'Document'],
  [/^text\//, 'Text'],
];

/** What a file is, in a word. */
export function kindText(type: string): string {
  return KINDS.find(([pattern]) => pattern.test(type))?.[1] ?? 'File';
}
