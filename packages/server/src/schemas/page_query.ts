import * as z from "zod/mini";
import { DEFAULT_PAGE, MAX_PAGE } from "../../../protocol/limits.ts";
import { wholeText } from "./whole_text.ts";

const offset = wholeText(0, Number.MAX_SAFE_INTEGER, "must be an offset: a whole number, 0 or more");

/** Query of a page of history. Without `after` and `before` it requests the last messages. */
export const PageQuery = z.object({
  after: z.optional(offset),
  before: z.optional(offset),
  limit: z._default(
    wholeText(1, MAX_PAGE, `must be a whole number from 1 to ${MAX_PAGE}`),
    DEFAULT_PAGE,
  ),
}).check(
  z.refine((query) => query.after === undefined || query.before === undefined, {
    error: "does not go with after",
    path: ["before"],
  }),
);
