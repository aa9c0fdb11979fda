import * as z from "zod/mini";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import * as errors from "./field_errors.ts";
import { wholeText } from "./whole_text.ts";

/** Start of the messages that a member wants. */
interface Start {
  readonly after?: number | undefined;
  readonly epoch?: string | undefined;
  readonly connection?: string | undefined;
  readonly history?: number | undefined;
}

/** Checks that the fields of a start go together (docs/protocol.md, rule 6.5). */
export const START_CHECKS = [
  // An empty epoch stands for the start of whatever history there is.
  z.refine<Start>((start) => start.epoch !== "" || start.after === undefined || start.after === 0, {
    error: errors.EMPTY_EPOCH_ERROR,
    path: ["epoch"],
  }),
  z.refine<Start>((start) => start.after === undefined || start.epoch !== undefined, {
    error: errors.EPOCH_NEEDED_ERROR,
    path: ["epoch"],
  }),
  z.refine<Start>((start) => start.epoch === undefined || start.after !== undefined, {
    error: errors.AFTER_NEEDED_ERROR,
    path: ["after"],
  }),
  z.refine<Start>((start) => start.connection === undefined || start.after !== undefined, {
    error: errors.CONNECTION_ERROR,
    path: ["connection"],
  }),
  z.refine<Start>((start) => start.history === undefined || start.after === undefined, {
    error: errors.HISTORY_AND_AFTER_ERROR,
    path: ["history"],
  }),
] as const;

/**
 * Query of a room's address: the messages that a member wants replayed (docs/protocol.md,
 * "Joining"). For docs, types and tests; requests are parsed by http/rooms/parse_address.ts.
 */
export const JoinQuery = z.object({
  after: z.optional(wholeText(0, Number.MAX_SAFE_INTEGER, errors.OFFSET_TEXT_ERROR)),
  epoch: z.optional(z.string({ error: errors.TEXT_ERROR })),
  connection: z.optional(z.string({ error: errors.TEXT_ERROR })),
  history: z.optional(wholeText(0, MAX_PAGE, errors.HISTORY_ERROR)),
}).check(...START_CHECKS);
/** Parsed query of a room's address. */
export type JoinQuery = z.infer<typeof JoinQuery>;
