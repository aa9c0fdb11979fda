import type { RoomOptions, WebSocketClass } from "../../../packages/client/mod.ts";
import { type Addresses, Stage } from "./stage.ts";

/** What the rooms of the scenarios carry. */
export interface Events {
  chat: { readonly n: number };
}

/** What a scenario acts in: a room on a real server, and a hand on the network between. */
export interface World extends Addresses {
  readonly stage: Stage;
  /** Options to connect with as a user: tokens from the test, short waits. */
  as(user: string, changes?: Partial<RoomOptions>): RoomOptions;
}

/** The world at an address. Where there is no global WebSocket, one is given. */
export async function enterWorld(address: string, WebSocket?: WebSocketClass): Promise<World> {
  const stage = new Stage(address);
  return {
    stage,
    ...await stage.where(),
    as: (user, changes) => ({
      token: () => stage.token(user),
      retry: { minMs: 10, maxMs: 50 },
      random: () => 0.5,
      WebSocket,
      ...changes,
    }),
  };
}
