/**
 * Schemas of HTTP requests to rooms. Each is loaded at its first request, since they need zod.
 * Sockets do without them (parse_address.ts).
 */
import type { PublishBody } from "../../schemas/client_frames.ts";
import type { KickBody } from "../../schemas/operator_bodies.ts";
import type { PageQuery } from "../../schemas/page_query.ts";

/** Loads the schema of the query for a page of history. */
export async function pageQuery(): Promise<typeof PageQuery> {
  return (await import("../../schemas/page_query.ts")).PageQuery;
}

/** Loads the schema of a message that is published over HTTP. */
export async function publishBody(): Promise<typeof PublishBody> {
  return (await import("../../schemas/client_frames.ts")).PublishBody;
}

/** Loads the schema of a kick. */
export async function kickBody(): Promise<typeof KickBody> {
  return (await import("../../schemas/operator_bodies.ts")).KickBody;
}
