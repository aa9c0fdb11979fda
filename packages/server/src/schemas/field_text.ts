import * as z from "zod/mini";

/** What docs/protocol.md says of a frame's field, by the field's schema. */
export const FIELD_TEXT = z.registry<{ readonly text: string }>();

/** Gives a field's schema its text. */
export function field<S extends z.ZodMiniType>(schema: S, text: string): S {
  // A copy: one schema may serve several fields, each with a text of its own, or none.
  const own = z.clone(schema);
  FIELD_TEXT.add(own, { text });
  return own;
}
