import type { ErrorFrame } from "./error_codes.ts";

/**
 * Frames as plain types, without a schema library. The compiler holds the server's schemas to them
 * (packages/server/src/schemas). docs/protocol.md says what each field means.
 */

/** A place in a room's history. The epoch names the history that the offset belongs to. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** Sender of a message. `connection` is absent if the message came over HTTP or SQL. */
export interface Sender {
  readonly user: string;
  readonly connection?: string | undefined;
}

/** Recipient of an ephemeral message: all connections of a user in the room, or one connection. */
export type Recipient =
  | { readonly user: string; readonly connection?: undefined }
  | { readonly connection: string; readonly user?: undefined };

/** A message. `RoomMessage` of the client types its data by its event. */
export interface Message {
  readonly offset?: number | undefined;
  readonly event: string;
  readonly data: unknown;
  readonly from: Sender;
  readonly id: string;
  readonly at: number;
}

/** One connection that is present. A user may have several. */
export interface PresenceMember {
  readonly user: string;
  readonly connection: string;
  readonly state: Readonly<Record<string, unknown>>;
}

/** A connection whose state changed. With `previous` it resumes that lost connection. */
export interface UpdatedMember extends PresenceMember {
  readonly previous?: string | undefined;
}

/** A connection that is no longer present. */
export interface LeftMember {
  readonly user: string;
  readonly connection: string;
}

/** A frame of one room. */
export interface InRoom {
  /** The room, on a socket for many rooms: `ENDPOINT/ID`. Absent on a room's own socket. */
  readonly room?: string | undefined;
}

/** The first frame. Every message after `offset` follows. */
export interface WelcomeFrame {
  readonly type: "welcome";
  readonly room: string;
  /** Id of the `join` that this answers, on a socket for many rooms. */
  readonly id?: string | undefined;
  readonly connection: string;
  readonly user: string;
  readonly epoch: string;
  readonly offset: number;
  readonly recovered: boolean;
  readonly expires_at: number;
  readonly heartbeat_ms: number;
  readonly limits: Readonly<Record<string, number>>;
}

/** A message of the room. */
export interface MessageFrame extends Message, InRoom {
  readonly type: "message";
}

/** Presence: the list of all members, or the changes since the last frame. */
export interface PresenceListFrame extends InRoom {
  readonly type: "presence";
  readonly members?: PresenceMember[] | undefined;
  readonly joined?: PresenceMember[] | undefined;
  readonly updated?: UpdatedMember[] | undefined;
  readonly left?: LeftMember[] | undefined;
}

/** Answer to a publish or a change of presence. */
export interface AckFrame extends InRoom {
  readonly type: "ack";
  readonly id: string;
  readonly offset?: number | undefined;
  /** True if the ack stands for the own message, which does not come. */
  readonly excluded?: boolean | undefined;
}

/** A page of history. */
export interface HistoryPageFrame extends InRoom {
  readonly type: "history";
  readonly id: string;
  readonly messages: Message[];
  readonly more: boolean;
}

/** Result of a call. */
export interface ResultFrame extends InRoom {
  readonly type: "result";
  readonly id: string;
  readonly data?: unknown;
}

/** Answer to a fresh token. */
export interface AuthenticatedFrame {
  readonly type: "authenticated";
  readonly id: string;
  readonly expires_at: number;
}

/** The token is about to expire. */
export interface ExpiringFrame {
  readonly type: "expiring";
  readonly expires_at: number;
}

/** Answer to a ping, or without `id` a heartbeat. */
export interface PongFrame {
  readonly type: "pong";
  readonly id?: string | undefined;
}

/** Messages that cannot be replayed. `to` is null if a new history has replaced the old one. */
export interface GapFrame extends InRoom {
  readonly type: "gap";
  readonly from: number;
  readonly to: number | null;
  readonly epoch: string;
}

/** The isolate is about to end. */
export interface DrainingFrame {
  readonly type: "draining";
  readonly reason: string;
  readonly reconnect_after_ms: number;
}

/** Every frame of the server. */
export type ServerFrame =
  | WelcomeFrame
  | MessageFrame
  | PresenceListFrame
  | AckFrame
  | HistoryPageFrame
  | ResultFrame
  | AuthenticatedFrame
  | ExpiringFrame
  | PongFrame
  | GapFrame
  | DrainingFrame
  | ErrorFrame;

/** A message to be published, as a frame without its type or as an HTTP body. */
export interface PublishBody {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
  readonly ephemeral?: boolean | undefined;
  readonly to?: Recipient | undefined;
  /** `self`: the sender's own connection does not get the message. */
  readonly exclude?: "self" | undefined;
  /**
   * Of an ephemeral message: the newest message of this sender and event with this key stands for
   * those that still wait to be sent.
   */
  readonly key?: string | undefined;
}

/** A message to be published over HTTP. */
export interface PublishRequest extends PublishBody {
  /** The sender's connection, that `exclude` concerns. */
  readonly connection?: string | undefined;
}

/** Publishes a message. */
export interface PublishFrame extends PublishBody {
  readonly type: "publish";
  /** `false`: the server does not answer an ephemeral message that it has sent. */
  readonly ack?: boolean | undefined;
}

/** Enters presence or changes the state; null leaves. */
export interface PresenceFrame {
  readonly type: "presence";
  readonly id: string;
  readonly state: Readonly<Record<string, unknown>> | null;
}

/** Requests a page of history: after one offset or before one. */
export interface HistoryFrame {
  readonly type: "history";
  readonly id: string;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Calls a method of the endpoint. */
export interface CallFrame {
  readonly type: "call";
  readonly id: string;
  readonly method: string;
  readonly data?: unknown;
}

/** Hands over a fresh token without reconnecting. */
export interface AuthFrame {
  readonly type: "auth";
  readonly id: string;
  readonly token: string;
}

/** Heartbeat of a client; the server answers with `pong`. */
export interface PingFrame {
  readonly type: "ping";
  readonly id: string;
}

/** Every frame of a client. */
export type ClientFrame = PublishFrame | PresenceFrame | HistoryFrame | CallFrame | AuthFrame | PingFrame;

/** Joins a room over a socket for many rooms: the fields are those of the query of a room's own. */
export interface JoinFrame {
  readonly type: "join";
  readonly id: string;
  /** `ENDPOINT/ID`; `ID` alone means `rooms/ID`. */
  readonly room: string;
  readonly after?: number | undefined;
  readonly epoch?: string | undefined;
  readonly connection?: string | undefined;
  readonly history?: number | undefined;
}

/** Leaves a room of a socket for many rooms. */
export interface LeaveFrame {
  readonly type: "leave";
  readonly id: string;
  readonly room: string;
}

/**
 * Every frame of a client on a socket for many rooms. Each but `auth` and `ping` names its `room`.
 */
export type SharedClientFrame =
  | JoinFrame
  | LeaveFrame
  | AuthFrame
  | PingFrame
  | Exclude<ClientFrame, AuthFrame | PingFrame> & { readonly room: string };
