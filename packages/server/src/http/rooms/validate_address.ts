import { validator } from "hono/validator";
import type { $ZodType, output } from "zod/v4/core";
import type { JoinQuery } from "../../schemas/join_query.ts";
import type { Parsed } from "../../schemas/parse_schema.ts";
import type { RoomAddress } from "../../schemas/room_id.ts";
import { invalidPart } from "../middleware/problem.ts";
import type { validate } from "../middleware/validate.ts";
import { type AddressPart, parseAddress, parseJoinQuery } from "./parse_address.ts";

/** Validates the parameters of a room's address. */
export const roomAddress = validatePart<RoomAddress, "param">("param", parseAddress);
/** Validates the query with which a member joins. */
export const joinQuery = validatePart<typeof JoinQuery, "query">("query", parseJoinQuery);

/** `validate` without a schema library: `parse` accepts what the schema of type `S` accepts. */
function validatePart<S extends $ZodType, Target extends "param" | "query">(
  target: Target,
  parse: (part: AddressPart) => Parsed<output<S>>,
): ReturnType<typeof validate<S, Target>> {
  const handler = validator(target, (part: AddressPart) => {
    const parsed = parse(part);
    if (parsed.issue) throw invalidPart(target, parsed.issue);
    return parsed.value;
  });
  // The type is that of `validate`, which carries the schema to `c.req.valid` and to `hc`.
  return handler as unknown as ReturnType<typeof validate<S, Target>>;
}
