import { descriptionOf } from "./describe.ts";
import { DOCUMENT_PARTS } from "./generated.ts";
import type { Description, DocumentParts, OpenApiDocument, Operation, Parameter } from "./specification.ts";

/** A route of the app. */
export interface Route {
  /** For example `GET`; `ALL` is middleware. */
  readonly method: string;
  /** For example `/realtime/rooms/:id`. */
  readonly path: string;
  readonly handler: unknown;
}

/** Methods that a document can hold; Hono has routes for other methods too. */
const METHODS: readonly string[] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/**
 * The OpenAPI document of the app's routes. Endpoints of rooms have all their operations wherever
 * they are mounted. Other endpoints have what `describe` says beside them, else their address only.
 */
export function describeRoutes(routes: readonly Route[], basePath: string): OpenApiDocument {
  const { frame, server, rooms }: DocumentParts = JSON.parse(DOCUMENT_PARTS);
  const described = new Map<string, Description | undefined>();
  for (const { method, path, handler } of routes) {
    if (!METHODS.includes(method)) continue;
    const address = `${method} ${addressOf(path, basePath)}`;
    described.set(address, descriptionOf(handler) ?? described.get(address));
  }
  const known = new Map([...Object.entries(server), ...roomsAmong(described, rooms)]);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [address, description] of described) {
    const [method = "", path = ""] = address.split(" ");
    const operation = description ? undefined : known.get(address);
    (paths[path] ??= {})[method.toLowerCase()] = operation ?? operationOf(method, path, description);
  }
  return {
    ...frame,
    // Relative to the document: the server cannot know its address outside the platform.
    servers: [{ url: `..${basePath}`, description: "The server that this document is from." }],
    paths,
  };
}

/** The operations of every endpoint of rooms: a mount that has all addresses of one. */
function roomsAmong(
  addresses: ReadonlyMap<string, unknown>,
  rooms: DocumentParts["rooms"],
): [string, Operation][] {
  const operations = Object.entries(rooms);
  const mounts = [...addresses.keys()].flatMap((address) => address.match(/^GET (\/.+)\/\{id\}$/)?.[1] ?? []);
  return mounts.flatMap((mount) => {
    const here = operations.map(([address, operation]): [string, Operation] => [
      address.replace(" ", ` ${mount}`),
      mount === "/rooms" ? operation : { ...operation, operationId: operation.operationId + idOf(mount) },
    ]);
    return here.every(([address]) => addresses.has(address)) ? here : [];
  });
}

/** The operation of an endpoint of the project's own. */
function operationOf(method: string, path: string, description: Description | undefined): Operation {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]): Parameter => ({
    name,
    in: "path",
    required: true,
    description: "a part of the address",
    schema: { type: "string" },
  }));
  const { parameters = [], ...rest } = description ?? {};
  const isDescribed = ({ name }: Parameter) =>
    parameters.some((one) => one.in === "path" && one.name === name);
  return {
    operationId: method.toLowerCase() + idOf(path),
    tags: ["service"],
    summary: `${method} ${path}`,
    responses: {
      default: { description: "This document does not know the answers of the project's own endpoints." },
    },
    ...rest,
    parameters: [...inPath.filter((one) => !isDescribed(one)), ...parameters],
  };
}

/** The address as OpenAPI writes it, below the base path: `/rooms/{id}`. */
function addressOf(path: string, basePath: string): string {
  const below = path.startsWith(basePath) ? path.slice(basePath.length) : path;
  return below.replaceAll(/:(\w+)(?:\{[^}]*\})?\??/g, "{$1}") || "/";
}

/** For example `TablesId` of `/tables/{id}`. */
function idOf(path: string): string {
  return path.split(/\W+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
