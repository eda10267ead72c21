/** Keys that the user presses. */

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

export function hasModifier({ altKey, ctrlKey, metaKey, shiftKey }: KeyboardEvent): boolean {
  return altKey || ctrlKey || metaKey || shiftKey;
}

/** Whether the user touches the screen, and writes with a keyboard that is drawn on it. */
export function isCoarse(): boolean {
  return window.matchMedia('(pointer: coarse)').matches;
}

/** Whether this Enter sends. The keyboards of phones have no Shift+Enter, so there it breaks the line. */
export function sendsBy(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.metaKey || !(event.shiftKey || isCoarse());
}
