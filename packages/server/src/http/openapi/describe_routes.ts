import type { Hono } from "hono";
import { findTargetHandler } from "hono/utils/handler";
import { descriptionOf } from "./describe.ts";
import { DOCUMENT_PARTS } from "./generated.ts";
import type { OpenApiDocument, Operation, Parameter, RouteDescription } from "./specification.ts";

/** Methods that a document can hold; Hono has routes for other methods too. */
const METHODS: readonly string[] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/**
 * The OpenAPI document of the app's routes. Endpoints of rooms have all their operations wherever
 * they are mounted. Other endpoints have what `describe` says beside them, else their address only.
 */
export function describeRoutes(routes: Hono["routes"], basePath: string): OpenApiDocument {
  const base = basePath.split("/").filter((segment) => segment !== "");
  const descriptions = new Map<string, RouteDescription[]>();
  for (const { method, path, handler } of routes) {
    if (!METHODS.includes(method)) continue;
    const address = `${method} ${addressOf(path, base)}`;
    // Behind an error handler of its own endpoint, a handler is wrapped.
    const description = descriptionOf(findTargetHandler(handler));
    descriptions.set(address, [...descriptions.get(address) ?? [], ...description ? [description] : []]);
  }
  const { frame, server, rooms } = DOCUMENT_PARTS;
  const known = new Map([...Object.entries(server), ...roomsAmong(descriptions, rooms)]);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [address, described] of descriptions) {
    const [method = "", path = ""] = address.split(" ");
    const operation = described.length > 0 ? undefined : known.get(address);
    (paths[path] ??= {})[method.toLowerCase()] = operation ?? operationOf(method, path, described);
  }
  // Relative to the document: the server cannot know its address outside the platform.
  const url = base.length > 0 ? `../${base.at(-1)}` : ".";
  return { ...frame, servers: [{ url, description: "The server that this document is from." }], paths };
}

/** The operations of every endpoint of rooms: a mount that has all addresses of one. */
function roomsAmong(
  addresses: ReadonlyMap<string, unknown>,
  rooms: Readonly<Record<string, Operation>>,
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

/** The operation of an endpoint of the project's own. Of two descriptions the later one wins. */
function operationOf(method: string, path: string, descriptions: readonly RouteDescription[]): Operation {
  const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = ""]): Parameter => ({
    name,
    in: "path",
    required: true,
    description: "a part of the address",
    schema: { type: "string" },
  }));
  const parameters = [...inPath, ...descriptions.flatMap(({ parameters = [] }) => parameters)];
  const responses = descriptions.flatMap(({ responses = {} }) => Object.entries(responses));
  return {
    operationId: method.toLowerCase() + idOf(path),
    tags: ["endpoints"],
    summary: `${method} ${path}`,
    ...descriptions.reduce((merged, one) => ({ ...merged, ...one }), {}),
    parameters: [...new Map(parameters.map((one) => [`${one.in} ${one.name}`, one])).values()],
    responses: responses.length > 0 ? Object.fromEntries(responses) : UNKNOWN_RESPONSES,
  };
}

const UNKNOWN_RESPONSES: Operation["responses"] = {
  default: { description: "Not described: add `describe` to the route." },
};

/** The address as OpenAPI writes it, below the base path: `/rooms/{id}`. */
function addressOf(path: string, base: readonly string[]): string {
  const below = path.split("/").filter((segment) => segment !== "").slice(base.length).join("/");
  // A constraint of a parameter, such as `:id{[0-9]{1,3}}`, ends with its segment.
  return `/${below.replaceAll(/(?<=^|\/):([^/{}?]+)(?:\{.*?\}(?=[/?]|$))?\??/g, "{$1}")}`;
}

/** For example `TablesId` of `/tables/{id}`. */
function idOf(path: string): string {
  return path.split(/\W+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
