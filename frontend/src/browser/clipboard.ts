/** Copies the text of a field. Returns false where the browser does not let the page do that. */
export async function copyField(field: HTMLInputElement): Promise<boolean> {
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
