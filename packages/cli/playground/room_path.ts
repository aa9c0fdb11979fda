/** Endpoint and id of a room: its address below the function's. */
export interface RoomPath {
  /** Such as `rooms` or `tables`; has several segments if the endpoint has. */
  readonly endpoint: string;
  readonly id: string;
}

/** Endpoint of a room that is named by its id alone. */
export const DEFAULT_ENDPOINT = "rooms";

/** Segment of an address; that of an id is in docs/protocol.md, 1.1. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~:-]{1,128}$/;

/** Parses `tables/7`; `lobby` alone is `rooms/lobby`. Undefined if it cannot be an address. */
export function parseRoomPath(text: string): RoomPath | undefined {
  const segments = text.split("/");
  if (!segments.every((segment) => SEGMENT.test(segment))) return undefined;
  const id = segments.pop() ?? "";
  return { endpoint: segments.join("/") || DEFAULT_ENDPOINT, id };
}

/** Formats a room as people write it: the default endpoint is left out. */
export function formatRoomPath({ endpoint, id }: RoomPath): string {
  return endpoint === DEFAULT_ENDPOINT ? id : `${endpoint}/${id}`;
}

/** Route of an app, as `GET /realtime` lists it. */
export interface ListedRoute {
  readonly method: string;
  readonly path: string;
}

/**
 * Finds the endpoints of rooms among an app's routes. Leaves out those whose own address has a
 * parameter, such as `/shops/:shop/tables`.
 */
export function roomEndpoints(routes: readonly ListedRoute[], functionPath: string): string[] {
  const prefix = `${functionPath}/`;
  const suffix = "/:id/messages";
  const found = routes
    .filter(({ method, path }) => method === "GET" && path.startsWith(prefix) && path.endsWith(suffix))
    .map(({ path }) => path.slice(prefix.length, -suffix.length))
    .filter((endpoint) => !/[:*{]/.test(endpoint));
  return [...new Set(found)];
}
