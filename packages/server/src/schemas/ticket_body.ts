import * as z from "zod/mini";
import { field } from "./field_text.ts";

/** Longest path that a ticket can be bound to. */
const MAX_PATH = 1_024;

/** Body of a request for a ticket. */
export const TicketBody = z.object({
  path: field(
    z.optional(
      z.string().check(
        z.maxLength(MAX_PATH, `must have ${MAX_PATH} characters at most`),
        z.regex(/^\/[^?#\s]+$/, "must be a path below the base path, such as /rooms/lobby"),
      ),
    ),
    "the only path below the base path that takes the ticket, such as `/rooms/lobby`; any if absent",
  ),
});
