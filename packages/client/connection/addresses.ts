/** URLs of a room. */
export interface Addresses {
  /** The room as a WebSocket. */
  readonly socket: URL;
  /** Names the user of a token, or the token's error. */
  readonly whoami: URL;
  /** The room as Server-Sent Events: refused for the same reasons as a WebSocket. */
  readonly events?: URL;
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

/**
 * Parses a function's address, such as `https://PROJECT.supabase.co/functions/v1/realtime`. Returns
 * it without a slash at its end, and the addresses of its socket for many rooms.
 * @throws {TypeError} if it is not one
 */
export function parseBaseAddress(address: string): { readonly base: string; readonly addresses: Addresses } {
  const [, scheme, rest] = /^(?:http|ws)(s?):(\/\/[^?#\s]*[^?#\s/])\/?$/.exec(address) ?? [];
  if (!rest) throw new TypeError(`Not a function's address, such as https://…/realtime: ${address}`);
  return {
    base: `http${scheme}:${rest}`,
    addresses: {
      socket: new URL(`ws${scheme}:${rest}/socket`),
      whoami: new URL(`http${scheme}:${rest}/whoami`),
    },
  };
}
