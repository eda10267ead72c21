const BYTES = 15; // 120 random bits, as many as the command line takes

/** A password that nobody can guess: 20 letters, digits, dashes and underscores. */
export function randomPassword(crypto: Crypto): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_');
}
