import type { $ZodType, input, output } from "zod/v4/core";
import type { Recipient, Sender } from "../../../../protocol/frames.ts";
import type { User } from "../../auth/user.ts";
import type { ServerRoom, ServerRooms } from "./server_rooms.ts";

/** Schemas by name: of events, or of the inputs or outputs of calls. */
export type Schemas = Readonly<Record<string, $ZodType>>;

/** Context of a hook or a call: a member of one room. */
export interface RoomContext {
  /** The user of the member's newest token. */
  readonly user: User;
  /** The member's connection, as in `welcome`. */
  readonly connection: string;
  /** The member's room. */
  readonly room: ServerRoom;
  /** All rooms of the deployment. */
  readonly rooms: ServerRooms;
}

/** Context of `onPublish`. */
export interface PublishContext extends Pick<RoomContext, "room" | "rooms"> {
  /** Undefined for a message that was published with a secret key. */
  readonly user: User | undefined;
  /** Undefined for a message that was published over HTTP. */
  readonly connection: string | undefined;
}

/** A message before it is stored: its data has passed the schema of its event. */
export type IncomingMessage<E extends Schemas = Schemas> = {
  [Name in keyof E & string]: {
    readonly id: string;
    readonly event: Name;
    readonly data: output<E[Name]>;
    readonly from: Sender;
    /** True if the message is not stored. */
    readonly ephemeral: boolean;
    readonly to?: Recipient | undefined;
  };
}[keyof E & string];

/** What `onPublish` returns: `event` and `data` count, the rest stays as it was. */
export type ChangedMessage<E extends Schemas = Schemas> = Pick<IncomingMessage<E>, "event" | "data">;

/**
 * Code of an endpoint that runs beside its rooms (docs/rooms.md, "Server code"). Each hook has
 * `HOOK_TIMEOUT_MS`. A thrown `refuse(reason, text)` is answered with `refused`; any other error
 * with `internal`, and it is logged. A slow or failing hook affects its own member only.
 */
export interface RoomHooks<E extends Schemas = Schemas> {
  /**
   * Runs when a member has connected, before `welcome`. A throw ends the connection, a refusal with
   * 4403.
   */
  readonly onJoin?: ((ctx: RoomContext) => void | Promise<void>) | undefined;
  /**
   * Runs for each message of a client, before it is stored. Returns the message, or a changed one.
   * The messages of one member keep their order. A repeated message runs it again.
   */
  readonly onPublish?:
    | ((
      message: IncomingMessage<E>,
      ctx: PublishContext,
    ) => ChangedMessage<NoInfer<E>> | Promise<ChangedMessage<NoInfer<E>>>)
    | undefined;
  /**
   * Runs once for each member that `onJoin` let in, after its connection has ended, also when the
   * isolate ends. A process that is killed runs nothing.
   */
  readonly onLeave?: ((ctx: RoomContext) => void | Promise<void>) | undefined;
}

/** Methods that members call, with schemas of zod or zod/mini for what they take and return. */
export type RoomMethods<I extends Schemas, O extends Schemas> = {
  readonly [Name in keyof I & keyof O]: {
    readonly input: I[Name];
    readonly output: O[Name];
    /** Runs beside other calls, also those of the same member. */
    handler(
      input: output<I[Name]>,
      ctx: RoomContext,
    ): input<O[Name]> | Promise<input<O[Name]>>;
  };
};

/** A method, whatever its types. */
export interface Method {
  readonly input: $ZodType;
  readonly output: $ZodType;
  handler(input: unknown, ctx: RoomContext): unknown;
}

/** The code of one endpoint, as its rooms run it. */
export interface RoomCode extends Pick<RoomHooks, "onJoin" | "onLeave"> {
  /** Called with messages that have passed the schemas of its type. */
  readonly onPublish?: ((message: never, ctx: PublishContext) => unknown) | undefined;
  readonly methods: ReadonlyMap<string, Method>;
  /** Schema of presence states; undefined if any object is one. */
  readonly presence: $ZodType | undefined;
  readonly rooms: ServerRooms;
}
