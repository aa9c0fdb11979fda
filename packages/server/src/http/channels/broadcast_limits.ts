/** Longest name of a channel or an event, in characters: what a frame of bytes carries. */
export const MAX_NAME_LENGTH = 512;
/** Most messages of one request. */
export const MAX_BATCH = 500;
/** Longest id of a message, in characters. */
export const MAX_ID_LENGTH = 64;
