import { safeParse } from "zod/v4/core";
import type { PublishBody } from "../../schemas/client_frames.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import type { EventSchemas } from "../join_request.ts";

/** The data as JSON text, as it is to be published, or what is wrong with it. */
export type Checked = { readonly data: string } | { readonly field: string; readonly message: string };

/**
 * Checks the data of a message, and its event where a room knows its events.
 * @throws {Error} when it is the schema that is wrong: it is async, throws, or makes of the data what is no JSON
 */
export function checkData({ event, data }: PublishBody, events: EventSchemas | undefined): Checked {
  // First: what is too deep for this is too deep for recursion, in a schema or in JSON.stringify.
  if (isDeeperThan(data, MAX_JSON_DEPTH)) {
    return { field: "data", message: `data is nested deeper than ${MAX_JSON_DEPTH} levels` };
  }
  if (!events) return { data: JSON.stringify(data) };
  const schema = events.get(event);
  if (!schema) return { field: "event", message: `event must be one of ${[...events.keys()].join(", ")}` };
  const parsed = safeParse(schema, data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = ["data", ...issue?.path ?? []].join(".");
    return { field, message: `${field}: ${issue?.message}` };
  }
  const text: string | undefined = JSON.stringify(parsed.data);
  if (text === undefined) {
    throw new Error(`The schema of ${event} makes something of the data that is no JSON.`);
  }
  return { data: text };
}
