// Schemas of what operators send, with a secret key.
import * as z from "zod/mini";
import { DEFAULT_PAGE, MAX_PAGE, MAX_REASON_LENGTH } from "../../../protocol/limits.ts";
import { field } from "./field_text.ts";
import { wholeText } from "./whole_text.ts";

/** Longest id of a user or of a connection, and longest cursor, in characters. */
const MAX_NAME_LENGTH = 256;

function name(): z.ZodMiniString {
  const error = `must be text of 1 to ${MAX_NAME_LENGTH} characters`;
  return z.string({ error }).check(z.minLength(1, { error }), z.maxLength(MAX_NAME_LENGTH, { error }));
}

const reasonError = `must be text of at most ${MAX_REASON_LENGTH} characters`;
const reason = field(
  z.optional(z.string({ error: reasonError }).check(z.maxLength(MAX_REASON_LENGTH, { error: reasonError }))),
  "the clients see it",
);
const notAnObject = { error: "must be a JSON object" };

/** Body of `POST …/kick`: exactly one of `user` and `connection`. */
export const KickBody = z.object({
  user: field(z.optional(name()), "all connections of this user in the room; one of `user` and `connection`"),
  connection: field(z.optional(name()), "one connection, by the id in its `welcome`"),
  reason,
}, notAnObject).check(
  z.refine(({ user, connection }) => user !== undefined || connection !== undefined, {
    error: "or `connection` must be given",
    path: ["user"],
  }),
  z.refine(({ user, connection }) => user === undefined || connection === undefined, {
    error: "does not go with user",
    path: ["connection"],
  }),
);

/** Body of `POST /disconnect`. */
export const DisconnectBody = z.object(
  { user: field(name(), "the id of the user: the `sub` of the token"), reason },
  notAnObject,
);

/** Query of `GET /rooms`. */
export const RoomsQuery = z.object({
  cursor: z.optional(name()),
  limit: z._default(
    wholeText(1, MAX_PAGE, `must be a whole number from 1 to ${MAX_PAGE}`),
    DEFAULT_PAGE,
  ),
});
