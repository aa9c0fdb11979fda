import { assertEquals } from "@std/assert";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { entry } from "./samples.ts";
import type { TestWorld } from "./world.ts";

/** How long a lost connection lingers in these scenes, in milliseconds. */
export const GRACE_MS = 30_000;
/** The state of alice1. */
export const STATE = '{"a":1}';

/** A room in which alice1 is, seen from the isolate in which she is and from another one. */
export interface Scene {
  readonly one: Backplane;
  readonly other: Backplane;
  readonly listeners: readonly Listener[];
}

/** Lets alice1 enter, and two isolates listen. */
export async function setScene(world: TestWorld): Promise<Scene> {
  const one = await world.open();
  const other = await world.open();
  await one.enter("r", entry("alice1", STATE));
  return { one, other, listeners: [await Listener.open(one, "r"), await Listener.open(other, "r")] };
}

/** Asserts what all listeners were told up to now, by one more connection that enters. */
export async function assertTold({ one, listeners }: Scene, changes: Listener["changes"]): Promise<void> {
  await one.enter("r", entry("marker1"));
  for (const listener of listeners) {
    await listener.untilJoined("marker1");
    assertEquals(listener.changes.slice(0, -1), changes);
  }
  await one.leave("r", "marker1");
}
