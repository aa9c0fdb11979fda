/** Parsers of a room's address. Sockets use them, so they work without zod. */
import { MAX_PAGE } from "../../../../protocol/limits.ts";
import { findStartFault, type Start, startOf } from "../../rooms/inbound/join_start.ts";
import { isOptionalText } from "../../rooms/inbound/field_checks.ts";
import * as errors from "../../schemas/field_errors.ts";
import type { Parsed } from "../../schemas/parse_schema.ts";

/** Parameters or query of an address; a parameter that is given twice has an array. */
export type AddressPart = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Parses the parameters of a room's address. */
export function parseAddress({ id }: AddressPart): Parsed<{ id: string }> {
  return typeof id === "string" && errors.ROOM_ID.test(id)
    ? { value: { id } }
    : wrong("id", errors.ROOM_ID_ERROR);
}

/** Parses the query with which a member joins. The result is that of the schema `JoinQuery`. */
export function parseJoinQuery(query: AddressPart): Parsed<Start> {
  const { epoch, connection } = query;
  const after = wholeOf(query.after, Number.MAX_SAFE_INTEGER);
  if (Number.isNaN(after)) return wrong("after", errors.OFFSET_TEXT_ERROR);
  if (!isOptionalText(epoch)) return wrong("epoch", errors.TEXT_ERROR);
  if (!isOptionalText(connection)) return wrong("connection", errors.TEXT_ERROR);
  const history = wholeOf(query.history, MAX_PAGE);
  if (Number.isNaN(history)) return wrong("history", errors.HISTORY_ERROR);
  const start = startOf({ after, epoch, connection, history });
  const fault = findStartFault(start);
  return fault ? wrong(fault.field, fault.text) : { value: start };
}

/** A whole number of a query from 0 to `max`; NaN for anything else. */
function wholeOf(value: AddressPart[string], max: number): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : NaN;
  return number <= max ? number : NaN;
}

function wrong(field: string, message: string): { readonly issue: { message: string; path: string[] } } {
  return { issue: { message, path: [field] } };
}
