import * as z from "zod/mini";
import { MAX_ID_LENGTH, MAX_NAME_LENGTH } from "./broadcast_limits.ts";

const text = (max: number) => {
  const error = `must be text of 1 to ${max} characters`;
  return z.string({ error }).check(z.minLength(1, { error }), z.maxLength(max, { error }));
};

/** Body of `POST /api/broadcast`. */
export const BroadcastBatch = z.object({
  messages: z.array(
    z.object({
      topic: text(MAX_NAME_LENGTH),
      event: text(MAX_NAME_LENGTH),
      payload: z.record(z.string(), z.unknown(), { error: "must be an object" }),
      private: z.optional(z.nullable(z.boolean({ error: "must be true or false" }))),
      id: z.optional(text(MAX_ID_LENGTH)),
    }, { error: "must be an object" }),
    { error: "must be a list" },
  ),
}, { error: "must be a JSON object" });
