import { VERSION } from "../../packages/server/src/version.ts";
import { HEADERS } from "./responses.ts";
import { roomOperations } from "./room_operations.ts";
import { describeSchemas } from "./schemas.ts";
import { SECURITY_SCHEMES } from "./security.ts";
import { serviceOperations } from "./service_operations.ts";
import type { OpenApiDocument, Operation } from "./specification.ts";

/** A route of the app. */
export interface Route {
  /** Such as `GET`; `ALL` is middleware. */
  readonly method: string;
  /** Such as `/realtime/rooms/:id`. */
  readonly path: string;
}

/** Where the app is, for its own routes; `basePath` in app.ts. */
const BASE = "/realtime";
/** What a document can hold; Hono has routes for other methods too. */
const METHODS: readonly string[] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/**
 * The OpenAPI document of the app's routes. Those of endpoints that a project adds are in it: an endpoint of rooms as ours,
 * another one with its address only.
 */
export function describeRoutes(routes: readonly Route[]): OpenApiDocument {
  const addresses = new Set(
    routes.filter(({ method }) => METHODS.includes(method)).map(({ method, path }) =>
      `${method} ${address(path)}`
    ),
  );
  return {
    openapi: "3.1.0",
    info: {
      title: "Realtime Edge",
      version: VERSION,
      description:
        "Rooms over WebSockets: broadcast, history, presence. This is the half of it that speaks HTTP; what the " +
        "sockets speak is said in the project's docs/protocol.md.",
    },
    // From the document's own address: the function cannot know the one that the platform gives it outside.
    servers: [{ url: `..${BASE}`, description: "Where this document is from." }],
    tags: [
      { name: "service", description: "The service itself." },
      { name: "rooms", description: "Rooms over HTTP." },
      { name: "sockets", description: "WebSockets: connect with a WebSocket client." },
    ],
    paths: describePaths(addresses),
    components: { schemas: describeSchemas(), headers: HEADERS, securitySchemes: SECURITY_SCHEMES },
  };
}

function describePaths(addresses: ReadonlySet<string>): OpenApiDocument["paths"] {
  const known = new Map([...Object.entries(serviceOperations()), ...roomsAmong(addresses)]);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const address of addresses) {
    const [method = "", path = ""] = address.split(" ");
    (paths[path] ??= {})[method.toLowerCase()] = known.get(address) ?? undescribed(method, path);
  }
  return paths;
}

/** The operations of every endpoint of rooms: those are where all addresses of one are, whatever it is called. */
function roomsAmong(addresses: ReadonlySet<string>): [string, Operation][] {
  const operations = Object.entries(roomOperations());
  const mounts = [...addresses].flatMap((address) => address.match(/^GET (\/.+)\/\{id\}$/)?.[1] ?? []);
  return mounts.flatMap((mount) => {
    const here = operations.map(([address, operation]): [string, Operation] => [
      address.replace(" ", ` ${mount}`),
      mount === "/rooms" ? operation : { ...operation, operationId: operation.operationId + idOf(mount) },
    ]);
    return here.every(([address]) => addresses.has(address)) ? here : [];
  });
}

/** What can be said of any route. */
function undescribed(method: string, path: string): Operation {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path" as const,
    required: true,
    description: "a part of the address",
    schema: { type: "string" as const },
  }));
  return {
    operationId: method.toLowerCase() + idOf(path),
    tags: ["service"],
    summary: `${method} ${path}`,
    parameters,
    responses: {
      default: { description: "This document does not know what the project's own endpoints answer." },
    },
  };
}

/** The address as OpenAPI writes it, from the service's own on: `/rooms/{id}`. */
function address(path: string): string {
  const below = path.startsWith(BASE) ? path.slice(BASE.length) : path;
  return below.replaceAll(/:(\w+)(?:\{[^}]*\})?\??/g, "{$1}") || "/";
}

/** Such as `TablesId` of `/tables/{id}`. */
function idOf(path: string): string {
  return path.split(/\W+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
