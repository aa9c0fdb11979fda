import type { PublishBody } from "../../../../protocol/frames.ts";
import { isDeeperThan } from "../../schemas/json_depth.ts";
import { parseNow } from "../../schemas/parse_schema.ts";
import { MAX_JSON_DEPTH } from "../../../../protocol/limits.ts";
import type { EventSchemas } from "../join_request.ts";

/** The data to publish as JSON text, or the field that is wrong. */
export type Checked = { readonly data: string } | { readonly field: string; readonly message: string };

/**
 * Checks the data of a message, and its event where a room knows its events.
 * @throws {Error} if the schema itself is wrong: it is async, throws, or its result is not JSON
 */
export function checkData({ event, data }: PublishBody, events: EventSchemas | undefined): Checked {
  // This check comes first: deeper data would overflow the stack in a schema or in JSON.stringify.
  if (isDeeperThan(data, MAX_JSON_DEPTH)) {
    return { field: "data", message: `data is nested deeper than ${MAX_JSON_DEPTH} levels` };
  }
  if (!events) return { data: JSON.stringify(data) };
  const schema = events.get(event);
  if (!schema) return { field: "event", message: `event must be one of ${[...events.keys()].join(", ")}` };
  const parsed = parseNow(schema, data);
  if (parsed.issue) {
    const field = ["data", ...parsed.issue.path].join(".");
    return { field, message: `${field}: ${parsed.issue.message}` };
  }
  const text: string | undefined = JSON.stringify(parsed.value);
  if (text === undefined) {
    throw new Error(`The schema of event ${event} returned a value that is not JSON. Return JSON data.`);
  }
  return { data: text };
}
