/** The default limits let ordinary pages and crowds through. */
import { assertEquals } from "@std/assert";
import { RequestRates } from "../../packages/server/src/socket/request_rates.ts";
import { freshId, RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";

const ROOMS = Array.from({ length: 20 }, (_, index) => `room-${index}`);
const USERS = 1_000;
/** Connections that begin at once, so that the backlog of the listening socket holds them. */
const AT_ONCE = 50;

/** Starts a server with the default limits, for whose rates everything comes at one moment. */
async function start(): Promise<RunningServer> {
  const running = await startServer();
  const { config, deps } = running.engine;
  const rates = new RequestRates({
    userRequests: config.USER_REQUESTS_PER_SECOND,
    refusedRequests: config.REFUSED_REQUESTS_PER_SECOND,
    joins: config.JOINS_PER_SECOND,
    joinsBurst: config.JOINS_BURST,
    isolateJoins: config.ISOLATE_JOINS_PER_SECOND,
    now: () => 0,
  });
  Object.assign(deps, { rates });
  return running;
}

Deno.test("a page that opens 20 rooms at once, and again after two reloads, meets no limit", async () => {
  await using running = await start();
  for (let load = 0; load < 3; load++) {
    await using shared = await SharedClient.connect(running);
    shared.send(ROOMS.map((room) => ({ type: "join", id: freshId(), room })));
    const members = await Promise.all(ROOMS.map((room) => RoomClient.join(running, room)));
    const acks = await Promise.all(members.map((member) => member.publish("hello")));
    assertEquals(acks.map(({ offset }) => offset), ROOMS.map(() => load + 1));
    const joined = new Set<string>();
    for (const _ of ROOMS) joined.add((await shared.next("welcome")).room);
    assertEquals(joined, new Set(ROOMS.map((room) => `rooms/${room}`)));
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  }
});

Deno.test("a crowd of 1,000 users that comes back at one moment meets no limit", async () => {
  await using running = await start();
  const users = Array.from({ length: USERS }, (_, index) => `user-${index}`);
  const tokens = await Promise.all(users.map((user) => running.issuer.token(user)));
  const members: RoomClient[] = [];
  for (let from = 0; from < USERS; from += AT_ONCE) {
    const some = tokens.slice(from, from + AT_ONCE);
    members.push(...await Promise.all(some.map((token) => RoomClient.join(running, "r", { token }))));
  }
  assertEquals(members.map(({ welcome }) => welcome.user), users);
  await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
});
