import * as z from "zod/mini";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import { wholeText } from "./whole_text.ts";

/** Text about a wrong number of messages to replay. */
export const historyText = `must be a whole number from 0 to ${MAX_PAGE}`;

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
    error: "must not be empty, except with after=0",
    path: ["epoch"],
  }),
  z.refine<Start>((start) => start.after === undefined || start.epoch !== undefined, {
    error: "goes with after: the epoch that the offset belongs to",
    path: ["epoch"],
  }),
  z.refine<Start>((start) => start.epoch === undefined || start.after !== undefined, {
    error: "goes with epoch: the offset of the last message that the client has",
    path: ["after"],
  }),
  z.refine<Start>((start) => start.connection === undefined || start.after !== undefined, {
    error: "goes with after and epoch: the connection that a resume continues",
    path: ["connection"],
  }),
  z.refine<Start>((start) => start.history === undefined || start.after === undefined, {
    error: "does not go with after: a resume brings what was missed",
    path: ["history"],
  }),
] as const;

/**
 * Query of a room's address: the messages that a member wants replayed (docs/protocol.md,
 * "Joining").
 */
export const JoinQuery = z.object({
  after: z.optional(wholeText(0, Number.MAX_SAFE_INTEGER, "must be an offset: a whole number, 0 or more")),
  epoch: z.optional(z.string()),
  connection: z.optional(z.string()),
  history: z.optional(wholeText(0, MAX_PAGE, historyText)),
}).check(...START_CHECKS);
/** Parsed query of a room's address. */
export type JoinQuery = z.infer<typeof JoinQuery>;
