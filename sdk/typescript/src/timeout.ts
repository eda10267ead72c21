/** A signal that aborts after a time. `AbortSignal.timeout` is missing in some of our browsers. */
export function timeoutSignal(milliseconds: number): AbortSignal {
  const controller = new AbortController();
  const reason = new DOMException('It took too long.', 'TimeoutError');
  setTimeout(() => controller.abort(reason), milliseconds);
  return controller.signal;
}
