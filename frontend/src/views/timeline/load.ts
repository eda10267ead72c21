/** Loads the views of messages that the first picture does without. */
export const loadMessageViews = () => import('./later');
