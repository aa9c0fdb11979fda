import type { RoomOptions, WebSocketClass } from "../../../packages/client/mod.ts";
import { type Addresses, Stage } from "./stage.ts";

/** Events of the scenarios. */
export interface Events {
  chat: { readonly n: number };
}

/** Environment of a scenario: a room on a real server and control of the network. */
export interface Environment extends Addresses {
  readonly stage: Stage;
  /** Options to connect with as a user: tokens from the test, short waits. */
  as(user: string, changes?: Partial<RoomOptions>): RoomOptions;
}

/** Connects to the environment at an address. Runtimes without a global WebSocket pass one. */
export async function openEnvironment(address: string, WebSocket?: WebSocketClass): Promise<Environment> {
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
