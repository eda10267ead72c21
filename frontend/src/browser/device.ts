/**
 * The name of a program from its User-Agent. It is only a hint, because a program may send any
 * text. Pure.
 */

// The first match counts: most programs also name the programs that they are based on.
const PROGRAMS: readonly [RegExp, string][] = [
  [/\bEdgi?A?(OS)?\//, 'Edge'],
  [/\bOPR\/|\bOPT\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\bHeadlessChrome\//, 'Headless Chrome'],
  [/\b(Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ (Mobile\S* )?Safari\//, 'Safari'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'Mac'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];
// "curl/8.5.0": a program that is not a browser.
const PRODUCT = /^([A-Za-z][\w.-]{0,30})\//;

export function deviceName(userAgent: string): string {
  const program = first(PROGRAMS, userAgent);
  const system = first(SYSTEMS, userAgent);
  if (program && system) return `${program} on ${system}`;
  if (program || system) return program ?? `A program on ${system}`;
  const product = PRODUCT.exec(userAgent)?.[1];
  return product && product !== 'Mozilla' ? product : 'An unknown program';
}

function first(table: readonly [RegExp, string][], text: string): string | undefined {
  return table.find(([pattern]) => pattern.test(text))?.[1];
}
