/** URLs of a room. */
export interface Addresses {
  /** The room as a WebSocket. */
  readonly socket: URL;
  /** Names the user of a token, or the token's error. */
  readonly whoami: URL;
  /** The room as Server-Sent Events: refused for the same reasons as a WebSocket. */
  readonly events: URL;
}

/**
 * Parses a room's address, such as `https://PROJECT.supabase.co/functions/v1/realtime/rooms/lobby`.
 * Its scheme is `http:`, `https:`, `ws:` or `wss:`.
 * @throws {TypeError} if it is not one
 */
export function parseRoomAddress(address: string): Addresses {
  const [, scheme, base, room] = /^(?:http|ws)(s?):(\/\/[^?#]+)(\/[^/?#]+\/[^/?#]+)$/.exec(address) ?? [];
  if (!base) {
    throw new TypeError(`Not a room's address, such as https://…/realtime/rooms/lobby: ${address}`);
  }
  const http = `http${scheme}:${base}`;
  return {
    socket: new URL(`ws${scheme}:${base}${room}`),
    whoami: new URL(`${http}/whoami`),
    events: new URL(`${http}${room}/events`),
  };
}
