import { assert, assertEquals } from "@std/assert";
import type { FrameOf } from "../../support/room_client.ts";
import type { ServerFrame } from "../../../packages/server/src/schemas/server_frames.ts";
import type { Message, UpdatedMember } from "../../../packages/client/mod.ts";
import { type FollowedRoom, oneTo } from "./followed_room.ts";

/** Published messages. */
export interface Published {
  /** Offsets that alice's promises resolved with, in the order of her publishes. */
  readonly alice: readonly number[];
  /** Number of messages that bob published. */
  readonly bobs: number;
}

interface Said {
  readonly by: string;
  readonly n: number;
  /** True if the sender excluded itself. */
  readonly isHidden?: boolean;
}

/**
 * Asserts that each message is stored once, in order, at the offset of alice's promise. `frames`
 * are all frames of bob.
 */
export function assertStored(frames: readonly ServerFrame[], { alice, bobs }: Published): void {
  const told = messagesIn(frames);
  const said = told.map(({ data }) => data as Said);
  assertEquals(told.map(({ offset }) => offset), oneTo(alice.length + bobs), "offsets that bob was told");
  for (const [who, published] of [["alice", alice.length], ["bob", bobs]] as const) {
    const numbers = said.filter(({ by }) => by === who).map(({ n }) => n);
    assertEquals(numbers, oneTo(published), `what ${who} published, as bob was told`);
  }
  const stored = told.filter(({ from }) => from.user === "alice").map(({ offset }) => offset);
  assertEquals(stored, [...alice], "what alice's promises resolved with");
}

/**
 * Asserts that alice received every message since her first welcome once and in order, or a gap for
 * it. Messages that she excluded herself from may come.
 */
export function assertDelivered(followed: FollowedRoom, frames: readonly ServerFrame[]): void {
  const { messages, gaps, room } = followed;
  const [welcome] = followed.frames.map(({ frame }) => frame);
  assert(welcome?.type === "welcome", "the first frame is welcome");
  const missed = gaps.flatMap(({ from, to }) => {
    assert(to !== null && to >= from, "a gap of this history");
    return oneTo(to - from + 1).map((index) => from + index - 1);
  });
  const promised = messagesIn(frames).slice(welcome.offset);
  const delivered = promised.filter(({ offset }) => !missed.includes(offset ?? 0));
  assertEquals(missed, [...new Set(missed)].sort((one, other) => one - other), "what gaps say");
  assertEquals(delivered.length + missed.length, promised.length, "messages and gaps");
  const what = ({ offset, data, from, id, at }: Message) => ({ offset, data, from, id, at });
  const told = new Set(followed.offsets);
  const expected = delivered.filter(({ data, offset }) => !(data as Said).isHidden || told.has(offset));
  assertEquals(messages.map(what), expected.map(what), "what alice was told");
  assertEquals([room.position?.offset, room.pending], [messagesIn(frames).length, 0], "position and pending");
}

/**
 * Asserts that alice got no message that she excluded herself from, on the connection on which she
 * sent it first, and took none of these for a gap.
 */
export function assertExcluded({ frames, waits }: FollowedRoom): void {
  assertEquals(waits.filter((code) => code === "hole"), []);
  let connection = 0;
  const sentOn = new Map<string, number>();
  for (const { direction, frame } of frames) {
    if (frame.type === "welcome") connection++;
    else if (direction === "out" && frame.type === "publish" && !sentOn.has(frame.id)) {
      sentOn.set(frame.id, connection);
    } else if (frame.type === "message" && (frame.data as Said).isHidden) {
      assert(sentOn.get(frame.id) !== connection, `${frame.offset} came to the connection that sent it`);
    }
  }
}

/**
 * Asserts that alice entered once and never left, and that she and bob see the same presence. A
 * restless alice may appear twice for a while: a slow network can deliver the enter of a connection
 * that she has left already.
 */
export function assertPresent(
  { room }: FollowedRoom,
  frames: readonly ServerFrame[],
  isRestless: boolean,
): void {
  const happened: string[] = [];
  const there = new Map<string, unknown>();
  for (const frame of frames) {
    if (frame.type !== "presence") continue;
    const { joined = [], updated = [], left = [] } = frame;
    happened.push(...joined.map(() => "joined"), ...left.map(() => "left"));
    for (const { connection, previous = "", state } of [...joined, ...updated] as readonly UpdatedMember[]) {
      there.delete(previous);
      there.set(connection, state);
    }
  }
  const expected = isRestless ? happened.map(() => "joined") : ["joined"];
  assertEquals(happened, expected, "what bob was told of alice");
  const { members, users } = room.presence;
  assertEquals(new Map(members.map(({ connection, state }) => [connection, state])), there, "presence");
  assertEquals(members.map(({ state }) => state), members.map(() => ({ mood: "steady" })));
  assertEquals([...users.keys()], ["alice"]);
}

function messagesIn(frames: readonly ServerFrame[]): FrameOf<"message">[] {
  return frames.filter((frame) => frame.type === "message");
}
