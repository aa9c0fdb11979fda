import * as z from "zod/mini";

/** Texts of docs/protocol.md about the fields of frames, by the field's schema. */
export const FIELD_TEXT = z.registry<{ readonly text: string }>();

/** Returns a copy of a field's schema that carries a text. */
export function field<S extends z.ZodMiniType>(schema: S, text: string): S {
  // A copy, since several fields may share one schema.
  const own = z.clone(schema);
  FIELD_TEXT.add(own, { text });
  return own;
}
