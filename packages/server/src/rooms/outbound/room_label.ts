/**
 * Beginning of the frames of a room on a socket for many rooms: `{"room":"rooms/lobby",`. Frames
 * are text already, so this is put in place of their first brace.
 */
export function roomLabel(room: string): string {
  return `{"room":${JSON.stringify(room)},`;
}

/** Adds a label to the text of one frame; undefined adds none. */
export function labelled(text: string, label: string | undefined): string {
  return label === undefined ? text : label + text.slice(1);
}
