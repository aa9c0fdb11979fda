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
