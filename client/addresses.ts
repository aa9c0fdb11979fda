/** Where a room is spoken to. */
export interface Addresses {
  /** The room itself, for a WebSocket. */
  readonly socket: URL;
  /** Says who a token's user is, or what is wrong with it. */
  readonly whoami: URL;
  /** The room as Server-Sent Events: refused for the same reasons as a WebSocket. */
  readonly events: URL;
}

/**
 * Reads a room's address, such as `https://PROJECT.supabase.co/functions/v1/realtime/rooms/lobby`, with `http:`, `https:`, `ws:` or `wss:`.
 * @throws {TypeError} when it is not one
 */
export function parseRoomAddress(address: string): Addresses {
  const url = new URL(address);
  if (!/^(http|ws)s?:$/.test(url.protocol)) {
    throw new TypeError(`A room's address begins with https: or wss:, this one with ${url.protocol}`);
  }
  if (url.search || url.hash) throw new TypeError("A room's address has no query and no fragment.");
  const path = url.pathname.split("/");
  if (path.length < 3 || path.at(-1) === "") {
    throw new TypeError(
      `A room's address ends like …/realtime/rooms/lobby, this one's path is ${url.pathname}`,
    );
  }
  const withPath = (scheme: "http" | "ws", pathname: string): URL => {
    const other = new URL(url);
    other.protocol = url.protocol.replace(/^(http|ws)/, scheme);
    other.pathname = pathname;
    return other;
  };
  return {
    socket: withPath("ws", url.pathname),
    whoami: withPath("http", [...path.slice(0, -2), "whoami"].join("/")),
    events: withPath("http", `${url.pathname}/events`),
  };
}
