import { RedisClient } from "@redis/client";
import type { Settings } from "./redis_options.ts";

/** A client of one server, as far as it is used here. */
export interface Connection {
  on(event: "error" | "terminated" | "sharded-channel-moved", listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  sSubscribe(channel: string, listener: ChannelListener): Promise<unknown>;
  sUnsubscribe(channel: string, listener: ChannelListener): Promise<unknown>;
  destroy(): void;
}

/** Is told what is published on a channel. */
export type ChannelListener = (payload: string, channel: string) => void;

/**
 * Creates a client that is not connected yet; it connects once, and never again by itself. The client's class is built for the
 * factory's options, some 50 ms, and kept for the last ones only: so these have none, and what differs is given to the instance.
 */
export function createConnection(url: string, { connectMs }: Settings): Connection {
  const client: unknown = RedisClient.factory()({
    url,
    // Nothing is sent later than asked: who waits is told that it cannot be done now.
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    // A timer a command costs more than the command: one watches the connection.
    commandOptions: { timeout: 0 },
    socket: { connectTimeout: connectMs, reconnectStrategy: false },
  });
  // Its own type needs those of Node, which Deno 2.1.4 gives only where the lockfile has them.
  return client as Connection;
}
