/**
 * First segments of paths that the engine answers, now or in a later version. The command `add
 * endpoint` reads the list too, so this file imports nothing.
 */
export const RESERVED_NAMES: readonly string[] = [
  "health",
  "whoami",
  "metrics",
  "openapi.json",
  "socket",
  "tickets",
  "disconnect",
  "websocket",
  "v1",
  "api",
  "realtime",
];
