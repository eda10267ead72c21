/** The most characters that the server takes, so that a form says it before it sends. */
export const DISPLAY_NAME_CHARACTERS = 64;
export const ROOM_NAME_CHARACTERS = 80;
export const TOPIC_CHARACTERS = 250;
/** Why somebody is banned, or a message is reported. */
export const REASON_CHARACTERS = 1_000;
/** What a user says about themselves. */
export const STATUS_CHARACTERS = 100;
