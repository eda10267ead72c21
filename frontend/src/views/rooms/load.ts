/** Loads the views of rooms that the first picture does without. */
export const loadRoomViews = () => import('./later');
