import * as z from "zod/mini";

/** A room's name in an address (docs/protocol.md, "Addresses"). */
export const RoomId = z.string().check(
  z.regex(/^[A-Za-z0-9._~:-]{1,128}$/, "must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ : -"),
);
