/** Keys that the user presses. Pure. */

// The code of a key that an input method takes. Safari tells the end of a word before the key that
// ended it, so only this code shows what the key was for.
const TAKEN = 229;

/** Whether an input method, such as one for Chinese, uses this key to compose a word. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === TAKEN;
}

/**
 * A handler of keys. All handlers are made by this, so that none of them takes a key from an input
 * method: there Enter chooses a word, and Escape drops it.
 */
export function onKeys(handle: (event: KeyboardEvent) => unknown): (event: KeyboardEvent) => void {
  return (event) => {
    if (!isComposing(event)) handle(event);
  };
}
