/** Presence from frames, and the own state, of which only the latest counts. */
import { assertEquals, assertRejects } from "@std/assert";
import { RoomError } from "../../packages/client/errors.ts";
import type { ClientFrame, PresenceMember } from "../../packages/protocol/frames.ts";
import { RoomPresence } from "../../packages/client/presence.ts";
import { welcomeFrame } from "./machine_world.ts";
import { ManualClock, rest } from "./manual_clock.ts";
import { createRequests } from "./sending_requests.ts";

const LIMITS = { frames_per_second: 100, frames_burst: 200, max_frame_bytes: 65_536, dedupe_seconds: 300 };

function member(user: string, connection: string, state: Record<string, unknown> = {}): PresenceMember {
  return { user, connection, state };
}

function createScene() {
  const sent: ClientFrame[] = [];
  const requests = createRequests(new ManualClock(), (frames) => void sent.push(...frames));
  const presence = new RoomPresence(requests);
  /** As the room does on every connection. */
  const begin = async () => {
    requests.connected();
    requests.begin(welcomeFrame({ limits: LIMITS }), true);
    presence.begin();
    await rest();
  };
  const ack = async () => {
    for (const { id } of sent) requests.answer({ type: "ack", id });
    await rest();
  };
  const states = () => sent.splice(0).map((frame) => frame.type === "presence" && frame.state);
  return { sent, states, requests, presence, begin, ack };
}

const connections = (members: readonly { connection: string }[]) =>
  members.map(({ connection }) => connection);

Deno.test("members are folded from what joined, changed and left, and users have each connection once", () => {
  const { presence } = createScene();
  presence.take({ type: "presence", members: [member("alice", "a-1")] });
  presence.take({ type: "presence", joined: [member("bob", "b-1"), member("alice", "a-2")] });
  const change = presence.take({
    type: "presence",
    updated: [member("bob", "b-1", { typing: true })],
    left: [{ user: "alice", connection: "a-1" }],
  });
  assertEquals(connections(presence.members), ["b-1", "a-2"]);
  assertEquals([...presence.users.keys()], ["bob", "alice"]);
  assertEquals(presence.users.get("bob")?.map(({ state }) => state), [{ typing: true }]);
  assertEquals(connections(change.updated), ["b-1"]);
  assertEquals(connections(change.left), ["a-1"]);
  assertEquals(change.members, presence.members);
});

Deno.test("an entry that goes on under another connection replaces the old one", () => {
  const { presence } = createScene();
  presence.take({ type: "presence", members: [member("alice", "a-1")] });
  presence.take({ type: "presence", updated: [{ ...member("alice", "a-2"), previous: "a-1" }] });
  assertEquals(connections(presence.members), ["a-2"]);
  assertEquals(Object.keys(presence.members[0] ?? {}).sort(), ["connection", "state", "user"]);
});

Deno.test("the list after a reconnect is told as what is different from before", () => {
  const { presence } = createScene();
  presence.take({
    type: "presence",
    members: [member("alice", "a-1"), member("bob", "b-1"), member("carol", "c-1")],
  });
  const change = presence.take({
    type: "presence",
    members: [member("alice", "a-1"), member("bob", "b-1", { typing: true }), member("dave", "d-1")],
  });
  assertEquals(connections(change.joined), ["d-1"]);
  assertEquals(connections(change.updated), ["b-1"]);
  assertEquals(connections(change.left), ["c-1"]);
});

Deno.test("members and users are the same objects until something changes", () => {
  const { presence } = createScene();
  presence.take({ type: "presence", members: [member("alice", "a-1")] });
  const { members, users } = presence;
  assertEquals(presence.members === members && presence.users === users, true);
  presence.take({ type: "presence", joined: [member("bob", "b-1")] });
  assertEquals(presence.members === members || presence.users === users, false);
});

Deno.test("of many changes made while one is under way only the last is sent", async () => {
  const { presence, begin, ack, states } = createScene();
  await begin();
  const entered = [1, 2, 3, 4].map((count) => presence.enter({ count }));
  await rest();
  await ack();
  await ack();
  await Promise.all(entered);
  assertEquals(states(), [{ count: 1 }, { count: 4 }]);
});

Deno.test("of what is changed without a connection only the last is sent, when there is one", async () => {
  const { presence, begin, ack, states } = createScene();
  const changed = [presence.enter({ typing: true }), presence.enter({ typing: false })];
  await begin();
  await ack();
  await Promise.all(changed);
  assertEquals(states(), [{ typing: false }]);
});

Deno.test("what waits when the room is closed is rejected with the reason, and nothing is taken after it", async () => {
  const { presence, requests } = createScene();
  const entered = presence.enter({});
  const reason = new RoomError("closed", "over");
  requests.closedBy = reason;
  presence.forget(reason);
  for (const asked of [entered, presence.enter({}), presence.leave()]) {
    assertEquals((await assertRejects(() => asked, RoomError)).code, "closed");
  }
});

Deno.test("who entered is present on the next connection too, and who left is not", async () => {
  const { presence, requests, begin, ack, states } = createScene();
  void presence.enter({ name: "Alice" });
  await begin();
  await ack();
  requests.end();
  await begin();
  await ack();
  assertEquals(states(), [{ name: "Alice" }, { name: "Alice" }]);
  void presence.leave();
  await rest();
  await ack();
  requests.end();
  states();
  await begin();
  assertEquals(states(), []);
});

Deno.test("a state that is refused rejects, and is not tried on every connection", async () => {
  const { presence, requests, sent, begin, states } = createScene();
  await begin();
  const entered = presence.enter({});
  await rest();
  for (const { id } of sent) requests.answer({ type: "error", code: "forbidden", message: "no", id });
  assertEquals((await assertRejects(() => entered, RoomError)).code, "forbidden");
  requests.end();
  states();
  await begin();
  assertEquals(states(), []);
});
