import * as z from "zod/mini";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import { wholeText } from "./whole_text.ts";

const historyText = `must be a whole number from 0 to ${MAX_PAGE}`;

/**
 * Query of a room's address: the messages that a member wants replayed (docs/protocol.md,
 * "Joining").
 */
export const JoinQuery = z.object({
  after: z.optional(wholeText(0, Number.MAX_SAFE_INTEGER, "must be an offset: a whole number, 0 or more")),
  epoch: z.optional(z.string()),
  connection: z.optional(z.string()),
  history: z.optional(wholeText(0, MAX_PAGE, historyText)),
}).check(
  // An empty epoch stands for the start of whatever history there is.
  z.refine((query) => query.epoch !== "" || query.after === undefined || query.after === 0, {
    error: "must not be empty, except with after=0",
    path: ["epoch"],
  }),
  z.refine((query) => query.after === undefined || query.epoch !== undefined, {
    error: "goes with after: the epoch that the offset belongs to",
    path: ["epoch"],
  }),
  z.refine((query) => query.epoch === undefined || query.after !== undefined, {
    error: "goes with epoch: the offset of the last message that the client has",
    path: ["after"],
  }),
  z.refine((query) => query.connection === undefined || query.after !== undefined, {
    error: "goes with after and epoch: the connection that a resume continues",
    path: ["connection"],
  }),
  z.refine((query) => query.history === undefined || query.after === undefined, {
    error: "does not go with after: a resume brings what was missed",
    path: ["history"],
  }),
);
/** Parsed query of a room's address. */
export type JoinQuery = z.infer<typeof JoinQuery>;
