import { assert, assertEquals, assertRejects } from "@std/assert";
import { RoomError, type RoomOptions } from "../../../packages/client/mod.ts";
import { EVERYTHING, NOTHING } from "../../../packages/server/src/rooms/policy/authorize.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { lostAck } from "../../support/fault_proxy/faults.ts";
import { RoomClient } from "../../support/room_client.ts";
import { changeRoomServices } from "../../support/room_services.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { MemoryOutboxes } from "../memory_outbox.ts";
import { FollowedRoom, quick } from "./followed_room.ts";
import { observedSocket, tokenIn } from "./observed_socket.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";
const HOUR = 3_600;

/** A token that is good for so many seconds; negative: that has expired. */
function tokenFor({ issuer }: RunningServer, user: string, seconds: number): Promise<string> {
  return issuer.token(user, { claims: { exp: Math.floor(Date.now() / 1000) + seconds } });
}

/** A session with a list of tokens; a refresh moves to the next one. */
class Session {
  /** `refresh` of each time the callback was asked. */
  readonly asked: boolean[] = [];
  /** Places of the tokens that went out, one a connect. */
  readonly sent: number[] = [];
  readonly #tokens: readonly string[];
  #current = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  /** Options that use it. */
  get options(): Pick<RoomOptions, "token" | "WebSocket"> {
    return {
      token: ({ refresh }) => {
        this.asked.push(refresh);
        if (refresh) this.#current++;
        return this.#tokens[this.#current];
      },
      WebSocket: observedSocket({
        onMade: (protocols) => void this.sent.push(this.#tokens.indexOf(tokenIn(protocols) ?? "")),
      }),
    };
  }
}

/** Shifts the clock of a service's rooms. Returns a function that sets the shift in seconds. */
function lateRooms(running: RunningServer): (seconds: number) => void {
  let laterMs = 0;
  changeRoomServices(running, { wallNow: () => Date.now() + laterMs });
  return (seconds) => void (laterMs = seconds * 1000);
}

/** The last parts of the paths that were asked for. */
function asked(proxy: FaultProxy): string[] {
  return proxy.requests.map((request) => /([^/?]*)(\?|$)/.exec(request)?.[1] ?? "");
}

Deno.test("an upgrade refused for an expired token: whoami is asked, and then the application, for a fresh one", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  const session = new Session([
    await tokenFor(running, "alice", -HOUR),
    await tokenFor(running, "alice", HOUR),
  ]);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", session.options));
  const said = alice.room.publish("chat", 1);
  await alice.untilLive(1);
  assertEquals(await said, 1);
  assertEquals(session.asked, [false, true]);
  assertEquals(session.sent, [0, 1]);
  assertEquals(asked(proxy), ["r", "whoami", "r"]);
  assertEquals(alice.waits, []);
});

Deno.test("closed with 4401: a fresh token at once, and what was missed meanwhile comes", async () => {
  await using running = await startStoppable({
    env: { HEARTBEAT_MS: "100", EXPIRY_GRACE_SECONDS: "0", EXPIRY_WARNING_SECONDS: "0" },
  });
  const makeLater = lateRooms(running);
  await using bob = await RoomClient.join(running, "r", {
    user: "bob",
    plain: true,
    claims: { exp: Math.floor(Date.now() / 1000) + 9 * HOUR },
  });
  await using proxy = FaultProxy.start(running.port);
  const session = new Session([
    await tokenFor(running, "alice", HOUR),
    await tokenFor(running, "alice", 9 * HOUR),
  ]);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", session.options));
  await alice.untilLive(1);
  await alice.room.presence.enter({ here: true });
  makeLater(2 * HOUR);
  await alice.untilLive(2);
  await bob.publish(1);
  await alice.untilMessages(1);
  assertEquals(session.asked, [false, true]);
  assertEquals(session.sent, [0, 1]);
  assertEquals(asked(proxy), ["r", "r"]);
  assertEquals(alice.waits, []);
  assertEquals(alice.recoveries, [null, true]);
  const changes = (await bob.takeAll()).filter((frame) => frame.type === "presence").slice(1);
  assertEquals(changes.map((change) => Object.keys(change)[1]), ["joined", "updated"]);
});

Deno.test("a token that is about to expire is renewed on the connection that there is", async () => {
  await using running = await startStoppable({ env: { HEARTBEAT_MS: "100" } });
  const makeLater = lateRooms(running);
  await using proxy = FaultProxy.start(running.port);
  const session = new Session([
    await tokenFor(running, "alice", HOUR),
    await tokenFor(running, "alice", 9 * HOUR),
  ]);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", session.options));
  const live = await alice.untilLive(1);
  makeLater(HOUR - 30);
  await alice.until(() => alice.frames.some(({ frame }) => frame.type === "authenticated"), "the answer");
  makeLater(2 * HOUR);
  assertEquals(await alice.room.publish("chat", 1), 1);
  assertEquals(alice.room.state, live);
  assertEquals(session.asked, [false, true]);
  assertEquals(session.sent, [0]);
  assertEquals(alice.errors, []);
  const shown = alice.frames.filter(({ frame }) => frame.type === "auth");
  assertEquals(shown.map(({ frame }) => "token" in frame && frame.token), ["…"]);
});

Deno.test("closed with 4403: it stops and says why, and so does what is published", async () => {
  let isBanned = false;
  await using running = await startStoppable({
    deps: { authorize: ({ id }) => isBanned && id === "alice" ? NOTHING : EVERYTHING },
  });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.untilLive(1);
  await alice.room.presence.enter({ here: true });
  isBanned = true;
  const refused = await assertRejects(() => alice.room.refreshToken(), RoomError);
  assertEquals(refused.code, "forbidden");
  await alice.until(() => alice.room.state.type === "closed", "the end");
  const { state } = alice.room;
  assert(state.type === "closed");
  assertEquals([state.reason.code, state.reason.closeCode], ["forbidden", 4403]);
  assertEquals((await assertRejects(() => alice.room.publish("chat", 1), RoomError)).code, "forbidden");
  assertEquals((await bob.next("presence")).members, []);
  assertEquals((await bob.next("presence")).joined?.length, 1);
  assertEquals((await bob.next("presence")).left?.length, 1);
  assertEquals(proxy.requests.length, 1);
  // A returning user resumes.
  isBanned = false;
  await bob.publish(2);
  alice.room.open();
  await alice.untilMessages(1);
  assertEquals(alice.data, [2]);
});

Deno.test("another user's token: what the first one left unsent is rejected, and never sent in the other's name", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ cut: lostAck("stored") });
  let user = "alice";
  const token = () => running.issuer.token(user);
  await using room = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { token }));
  await room.untilLive(1);
  await room.room.presence.enter({ name: "Alice" });
  const stored = room.room.publish("chat", "stored", { id: "stored" });
  await room.until(() => room.waits.length === 1, "the cut");
  user = "carol";
  const unsent = room.room.publish("chat", "unsent");
  for (const left of [stored, unsent]) {
    assertEquals((await assertRejects(() => left, RoomError)).code, "user_changed");
  }
  const live = await room.untilLive(2);
  assertEquals(live.user, "carol");
  await room.room.publish("chat", "carol's");
  const messages = (await bob.takeAll()).flatMap((frame) => frame.type === "message" ? [frame] : []);
  assertEquals(messages.map(({ from, data }) => [from.user, data]), [["alice", "stored"], [
    "carol",
    "carol's",
  ]]);
  assertEquals(room.data, ["stored", "carol's"]);
  // Carol has not entered. Alice is still present during her disconnect grace period.
  assertEquals(room.room.presence.members.map(({ user }) => user), ["alice"]);
});

Deno.test("a kept outbox of one user is not opened with another's token", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  proxy.refuse();
  const outboxes = new MemoryOutboxes();
  const withOutbox = (user: string) => quick(running, user, { outbox: { storage: outboxes.open("alice") } });
  const earlier = FollowedRoom.connect(proxy.url(PATH), withOutbox("alice"));
  const unsent = assertRejects(() => earlier.room.publish("chat", "unsent"), RoomError);
  await earlier.until(() => earlier.waits.length > 0, "a failure");
  await earlier.room.close();
  assertEquals((await unsent).code, "closed");
  proxy.allow();
  await using other = FollowedRoom.connect(proxy.url(PATH), withOutbox("carol"));
  await other.until(() => other.room.state.type === "closed", "the end");
  assertEquals(other.waits, ["user_changed"]);
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { history: 10 } });
  assertEquals((await bob.takeAll()).filter(({ type }) => type === "message"), []);
  await using again = FollowedRoom.connect(proxy.url(PATH), withOutbox("alice"));
  await again.untilMessages(1);
  assertEquals([again.data, again.room.pending], [["unsent"], 0]);
});
