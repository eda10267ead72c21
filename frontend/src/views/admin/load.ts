/** Loads the administrators' screen. Nobody else loads it. */
export const loadAdmin = () => import('./later');
