import type { $ZodType } from "zod/v4/core";
import type { Authorize, RoomPermissions } from "./policy/authorize.ts";
import type { RoomCode } from "./server_code/room_code.ts";

/** Start of the messages that a member wants. */
export type JoinFrom =
  /** Messages from now on. */
  | { readonly type: "live" }
  /** The last `count` messages first. */
  | { readonly type: "history"; readonly count: number }
  /** Messages after the last one that the member has. */
  | {
    readonly type: "resume";
    readonly after: number;
    readonly epoch: string;
    /** The connection that this one continues, if the client names it. */
    readonly previous?: string;
  };

/** Schemas of the `data` of a typed room's events, by event. */
export type EventSchemas = ReadonlyMap<string, $ZodType>;

/** A join request: everything that is known before the upgrade. */
export interface JoinRequest {
  /** The room's id as in the address. */
  readonly room: string;
  /** The room's name among all rooms of all endpoints. */
  readonly key: string;
  readonly permissions: RoomPermissions;
  readonly from: JoinFrom;
  /** Undefined if any event with any data may be published. */
  readonly events: EventSchemas | undefined;
  /** The endpoint's hooks and calls; undefined without any. */
  readonly code?: RoomCode | undefined;
  /** Called again when the user sends a fresh token. */
  readonly authorize: Authorize;
}
