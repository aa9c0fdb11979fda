import {
  type ConnectionOptions,
  createConnection,
  type Room,
  type RoomConnection,
  type RoomMessage,
} from "../../../packages/client/mod.ts";
import { ManualClock } from "../manual_clock.ts";
import { ScriptedServer } from "./scripted_server.ts";

export type Events = Record<string, unknown>;

/** A connection to a scripted server, on a manual clock. */
export interface SharedScene {
  readonly server: ScriptedServer;
  readonly clock: ManualClock;
  readonly connection: RoomConnection;
  /** Requests for a token: true where a fresh one was asked for. */
  readonly tokens: boolean[];
  /** Lets time pass, and everything arrive. */
  pass(ms: number): Promise<void>;
}

/** Creates a scene. Nothing is open. */
export function createScene(options: Partial<ConnectionOptions> = {}): SharedScene {
  const server = new ScriptedServer();
  const clock = new ManualClock();
  const tokens: boolean[] = [];
  const connection = createConnection("https://host/functions/v1/realtime", {
    token: ({ refresh }) => {
      tokens.push(refresh);
      return `token-${tokens.length}`;
    },
    clock,
    random: () => 0.5,
    WebSocket: server.WebSocket,
    fetch: () => Promise.reject(new Error("There is no network.")),
    ...options,
  });
  return {
    server,
    clock,
    connection,
    tokens,
    async pass(ms) {
      await server.settle();
      // In steps, so that answers arrive between timers.
      for (let left = ms; left > 0; left -= 100) {
        await clock.pass(Math.min(left, 100));
        await server.settle();
      }
    },
  };
}

/** States of a room, in short. */
export function statesOf(room: Room<Events>): string[] {
  const states: string[] = [];
  room.on("state", (state) => {
    states.push("reason" in state ? `${state.type} (${state.reason.code})` : state.type);
  });
  return states;
}

/** Messages of a room from now on. */
export function messagesOf(room: Room<Events>): RoomMessage<Events>[] {
  const messages: RoomMessage<Events>[] = [];
  room.on("message", (message) => messages.push(message));
  return messages;
}
