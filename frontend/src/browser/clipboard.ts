/** Copies the text of a field. Returns false where the browser does not let the page do that. */
export async function copyField(field: HTMLInputElement | HTMLTextAreaElement): Promise<boolean> {
  const { clipboard } = navigator as { clipboard?: Clipboard };
  try {
    if (clipboard) {
      await clipboard.writeText(field.value);
      return true;
    }
  } catch {
    // The user may have forbidden it; the older way may still work.
  }
  field.select();
  return document.execCommand('copy');
}

/** Copies a text. Returns false where the browser does not let the page do that. */
export async function copyText(text: string): Promise<boolean> {
  const focused = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'visually-hidden';
  field.value = text;
  // What is outside an open dialog cannot be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  try {
    return await copyField(field);
  } finally {
    field.remove();
    // The older way takes the focus.
    if (focused instanceof HTMLElement && document.activeElement !== focused) focused.focus();
  }
}
