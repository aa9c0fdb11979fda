import type { ErrorFrame } from "./error_codes.ts";

/**
 * Frames as plain types, without a schema library. The compiler holds the server's schemas to them
 * (packages/server/src/schemas). docs/protocol.md says what each field means.
 */

/** Offsets belong to a history, which its epoch names: everything up to `offset` was received. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** Who sent a message. `connection` is absent when it came over HTTP or SQL. */
export interface Sender {
  readonly user: string;
  readonly connection?: string | undefined;
}

/** To whom an ephemeral message goes: all connections of a user in the room, or one connection. */
export type Recipient =
  | { readonly user: string; readonly connection?: undefined }
  | { readonly connection: string; readonly user?: undefined };

/** A message as it travels; in `RoomMessage` its data has the type of its event. */
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

/** A connection that is present in another way than before; with `previous` it goes on where that connection was lost. */
export interface UpdatedMember extends PresenceMember {
  readonly previous?: string | undefined;
}

/** A connection that is no longer present. */
export interface LeftMember {
  readonly user: string;
  readonly connection: string;
}

/** The first frame: from now on every message after `offset` comes. */
export interface WelcomeFrame {
  readonly type: "welcome";
  readonly room: string;
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
export interface MessageFrame extends Message {
  readonly type: "message";
}

/** Who is there: everybody, or what changed. */
export interface PresenceListFrame {
  readonly type: "presence";
  readonly members?: PresenceMember[] | undefined;
  readonly joined?: PresenceMember[] | undefined;
  readonly updated?: UpdatedMember[] | undefined;
  readonly left?: LeftMember[] | undefined;
}

/** A publish or a change of presence was taken. */
export interface AckFrame {
  readonly type: "ack";
  readonly id: string;
  readonly offset?: number | undefined;
}

/** A page of history. */
export interface HistoryPageFrame {
  readonly type: "history";
  readonly id: string;
  readonly messages: Message[];
  readonly more: boolean;
}

/** A fresh token was taken. */
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

/** The answer to a ping, or without `id` a sign of life. */
export interface PongFrame {
  readonly type: "pong";
  readonly id?: string | undefined;
}

/** Messages that cannot be replayed; `to` is null when nobody can know, since the history is another one now. */
export interface GapFrame {
  readonly type: "gap";
  readonly from: number;
  readonly to: number | null;
  readonly epoch: string;
}

/** The isolate is about to go. */
export interface DrainingFrame {
  readonly type: "draining";
  readonly reason: string;
  readonly reconnect_after_ms: number;
}

/** Everything the server can send. */
export type ServerFrame =
  | WelcomeFrame
  | MessageFrame
  | PresenceListFrame
  | AckFrame
  | HistoryPageFrame
  | AuthenticatedFrame
  | ExpiringFrame
  | PongFrame
  | GapFrame
  | DrainingFrame
  | ErrorFrame;

/** Everything a client can send. */
export type ClientFrame =
  | {
    readonly type: "publish";
    readonly id: string;
    readonly event: string;
    readonly data: unknown;
    readonly ephemeral?: boolean | undefined;
    readonly to?: Recipient | undefined;
  }
  | {
    readonly type: "presence";
    readonly id: string;
    readonly state: Readonly<Record<string, unknown>> | null;
  }
  | {
    readonly type: "history";
    readonly id: string;
    readonly after?: number | undefined;
    readonly before?: number | undefined;
    readonly limit: number;
  }
  | { readonly type: "auth"; readonly id: string; readonly token: string }
  | { readonly type: "ping"; readonly id: string };
