import { RedisClient } from "@redis/client";
import type { ResolvedOptions } from "./redis_options.ts";

/** The used part of a client for one server. */
export interface Connection {
  on(event: "error" | "terminated" | "sharded-channel-moved", listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  sSubscribe(channel: string, listener: ChannelListener): Promise<unknown>;
  sUnsubscribe(channel: string, listener: ChannelListener): Promise<unknown>;
  destroy(): void;
}

/** Receives the messages of a channel. */
export type ChannelListener = (payload: string, channel: string) => void;

/**
 * Creates an unconnected client, which connects once and never reconnects by itself. The factory
 * builds a class in about 50 ms and caches only the class of its latest options. So the factory
 * gets no options, and the instance gets all of them.
 */
export function createConnection(url: string, { connectMs }: ResolvedOptions): Connection {
  const client: unknown = RedisClient.factory()({
    url,
    // Commands fail at once while disconnected, so that callers get an error instead of a late
    // result.
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    // Without a timer per command, which costs more than the command: the link watches for silence.
    commandOptions: { timeout: 0 },
    socket: { connectTimeout: connectMs, reconnectStrategy: false },
  });
  // The client's own type needs Node's types, which Deno 2.1.4 has only if the lockfile lists them.
  return client as Connection;
}
