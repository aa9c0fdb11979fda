import { assertEquals } from "@std/assert";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { entry } from "./samples.ts";
import type { TestWorld } from "./world.ts";

/** Disconnect grace period in the tests of this fixture, in milliseconds. */
export const GRACE_MS = 30_000;
/** State of alice1. */
export const STATE = '{"a":1}';

/** A room with alice1 in isolate `one`, and a subscription in two isolates. */
export interface PresenceFixture {
  readonly one: Backplane;
  readonly other: Backplane;
  readonly listeners: readonly Listener[];
}

/** Enters alice1 in one isolate, and subscribes in two. */
export async function createPresenceFixture(world: TestWorld): Promise<PresenceFixture> {
  const one = await world.open();
  const other = await world.open();
  await one.enter("r", entry("alice1", STATE));
  return { one, other, listeners: [await Listener.open(one, "r"), await Listener.open(other, "r")] };
}

/** Asserts all changes that the listeners got so far; a marker entry shows that no other came. */
export async function assertChanges(
  { one, listeners }: PresenceFixture,
  changes: Listener["changes"],
): Promise<void> {
  await one.enter("r", entry("marker1"));
  for (const listener of listeners) {
    await listener.untilJoined("marker1");
    assertEquals(listener.changes.slice(0, -1), changes);
  }
  await one.leave("r", "marker1");
}
