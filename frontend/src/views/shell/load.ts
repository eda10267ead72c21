/** Loads the dialogs that open everywhere and that the first picture does without. */
export const loadDialogs = () => import('./later');
