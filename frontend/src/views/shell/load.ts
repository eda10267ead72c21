/** Loads what may be opened from everywhere and the first picture does without. */
export const loadDialogs = () => import('./later');
