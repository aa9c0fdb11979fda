import type { $ZodType } from "zod/v4/core";
import type { Authorize, RoomPermissions } from "./policy/authorize.ts";

/** From where a member wants the room's messages. */
export type JoinFrom =
  /** From now on. */
  | { readonly type: "live" }
  /** With the last `count` messages. */
  | { readonly type: "history"; readonly count: number }
  /** After the last message that it has. */
  | {
    readonly type: "resume";
    readonly after: number;
    readonly epoch: string;
    /** The connection that this one continues, when the client says. */
    readonly previous?: string;
  };

/** The events of a typed room: what their `data` has to be, by name. */
export type EventSchemas = ReadonlyMap<string, $ZodType>;

/** A member to be: all that is known before the upgrade. */
export interface JoinRequest {
  /** The room's id as in the address. */
  readonly room: string;
  /** The room's name among all rooms of all endpoints. */
  readonly key: string;
  readonly permissions: RoomPermissions;
  readonly from: JoinFrom;
  /** Undefined where any event with any data may be published. */
  readonly events: EventSchemas | undefined;
  /** Asked again when the user brings a fresh token. */
  readonly authorize: Authorize;
}
