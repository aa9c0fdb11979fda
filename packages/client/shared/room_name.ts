/**
 * Parses the name of a room, `ENDPOINT/ID`, and returns it in full: `lobby` is `rooms/lobby`.
 * @throws {TypeError} if it is not one
 */
export function parseRoomName(name: string): string {
  if (!/^[^/?#\s]+(?:\/[^/?#\s]+)?$/.test(name)) {
    throw new TypeError(`Not a room's name, such as lobby or tables/7: ${name}`);
  }
  return name.includes("/") ? name : `rooms/${name}`;
}
