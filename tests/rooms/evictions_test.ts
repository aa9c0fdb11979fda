/** Commands that end members and connections on every isolate. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  type Backplane,
  BackplaneUnavailable,
  type RoomEvent,
} from "../../packages/server/src/backplane/contract.ts";
import type { Log, LogFields } from "../../packages/server/src/observability/log.ts";
import { COMMAND_ROOM } from "../../packages/server/src/rooms/eviction/command_room.ts";
import { Evictions } from "../../packages/server/src/rooms/eviction/evictions.ts";
import { Trace } from "../support/trace.ts";
import { MemoryTestWorld } from "../backplane/memory_world.ts";
import { changedBackplane } from "../support/room_services.ts";

/** One isolate's evictions, and what they did. */
class Isolate implements Disposable {
  readonly evictions: Evictions;
  /** Calls in their order: `kick rooms/a bob`, `disconnect bob`. */
  readonly done = new Trace();
  readonly logged = new Trace();

  constructor(backplane: Backplane) {
    this.evictions = new Evictions({
      backplane,
      random: () => 0,
      log: this.#log(),
      rooms: {
        evict: (room, { user, connection }, reason) => {
          this.done.add(["kick", room, user ?? connection, ...reason ? [reason] : []].join(" "));
          return 1;
        },
      },
      connections: {
        disconnect: (user, reason) => {
          this.done.add(["disconnect", user, ...reason ? [reason] : []].join(" "));
          return 1;
        },
      },
    });
  }

  #log(): Log {
    const write = (event: string, _fields?: LogFields) => void this.logged.add(event);
    return { debug: write, info: write, warn: write, error: write, close: () => {} };
  }

  [Symbol.dispose](): void {
    this.evictions.close();
  }
}

/** A backplane that says when the commands are subscribed to. */
async function openWatched(
  world: MemoryTestWorld,
  changes: Partial<Backplane> = {},
): Promise<{ readonly backplane: Backplane; readonly subscribed: Trace }> {
  const subscribed = new Trace();
  const inner = await world.open();
  const backplane = changedBackplane(inner, {
    async subscribe(room, deliver) {
      const subscription = await inner.subscribe(room, deliver);
      subscribed.add(room);
      return subscription;
    },
    ...changes,
  });
  return { backplane, subscribed };
}

Deno.test("an isolate acts at once, and each other one once", async () => {
  await using world = new MemoryTestWorld();
  const { backplane, subscribed } = await openWatched(world);
  using first = new Isolate(backplane);
  using second = new Isolate(backplane);
  first.evictions.follow();
  second.evictions.follow();
  second.evictions.follow();
  await subscribed.until(COMMAND_ROOM, 2);
  const kicking = first.evictions.kick("rooms/a", { user: "bob" }, "spam");
  assertEquals(first.done.entries, ["kick rooms/a bob spam"]);
  await kicking;
  await first.evictions.kick("rooms/a", { connection: "c-1" });
  await second.evictions.disconnect({ user: "eve" }, "r".repeat(300));
  await first.done.until(`disconnect eve ${"r".repeat(200)}`);
  const all = ["kick rooms/a bob spam", "kick rooms/a c-1", `disconnect eve ${"r".repeat(200)}`];
  assertEquals(first.done.entries, all);
  assertEquals(second.done.entries, all);
});

Deno.test("an isolate that starts to follow does nothing about earlier commands", async () => {
  await using world = new MemoryTestWorld();
  const { backplane, subscribed } = await openWatched(world);
  using first = new Isolate(backplane);
  using second = new Isolate(backplane);
  await first.evictions.disconnect({ user: "early" });
  second.evictions.follow();
  await subscribed.until(COMMAND_ROOM);
  await first.evictions.disconnect({ user: "late" });
  await second.done.until("disconnect late");
  assertEquals(second.done.entries, ["disconnect late"]);
});

Deno.test("a command that cannot be stored rejects, and its isolate has acted", async () => {
  await using world = new MemoryTestWorld();
  const publish = () => Promise.reject(new BackplaneUnavailable("away"));
  const { backplane } = await openWatched(world, { publish });
  using isolate = new Isolate(backplane);
  await assertRejects(() => isolate.evictions.kick("rooms/a", { user: "bob" }), BackplaneUnavailable);
  assertEquals(isolate.done.entries, ["kick rooms/a bob"]);
});

Deno.test("a subscription that fails is made again, and the failure is logged once", async () => {
  await using world = new MemoryTestWorld();
  const inner = await world.open();
  const subscribed = new Trace();
  let left = 2;
  const { backplane } = await openWatched(world, {
    async subscribe(room, deliver) {
      if (left-- > 0) throw new BackplaneUnavailable("away");
      const subscription = await inner.subscribe(room, deliver);
      subscribed.add(room);
      return subscription;
    },
  });
  using isolate = new Isolate(backplane);
  isolate.evictions.follow();
  await subscribed.until(COMMAND_ROOM);
  using other = new Isolate(inner);
  await other.evictions.disconnect({ user: "bob" });
  await isolate.done.until("disconnect bob");
  assertEquals(isolate.logged.entries, ["evictions.unavailable", "evictions.applied"]);
});

Deno.test("after the loss of the history an isolate applies the commands that it missed, once", async () => {
  await using world = new MemoryTestWorld();
  const inner = await world.open();
  const delivers: ((event: RoomEvent) => void)[] = [];
  using other = new Isolate(inner);
  await other.evictions.disconnect({ user: "before" });
  const { backplane, subscribed } = await openWatched(world, {
    async subscribe(room, deliver) {
      // Commands that came in an outage, before the isolate is back.
      if (delivers.length === 1) {
        await world.advance(1);
        await other.evictions.disconnect({ user: "missed" });
        await world.advance(1);
      }
      const subscription = await inner.subscribe(room, deliver);
      delivers.push((event) => {
        subscription.close();
        deliver(event);
      });
      return subscription;
    },
    async history(room, page) {
      const found = await inner.history(room, page);
      subscribed.add("history");
      return found;
    },
  });
  using isolate = new Isolate(backplane);
  isolate.evictions.follow();
  await subscribed.until("history");
  await world.advance(1);
  await other.evictions.disconnect({ user: "seen" });
  await isolate.done.until("disconnect seen");
  delivers[0]?.({ type: "reset" });
  await isolate.done.until("disconnect missed");
  await other.evictions.disconnect({ user: "later" });
  await isolate.done.until("disconnect later");
  assertEquals(isolate.done.entries, ["disconnect seen", "disconnect missed", "disconnect later"]);
});

Deno.test("a malformed command and lost commands are logged, and later ones are applied", async () => {
  await using world = new MemoryTestWorld();
  const inner = await world.open();
  const { backplane, subscribed } = await openWatched(world);
  using isolate = new Isolate(backplane);
  isolate.evictions.follow();
  await subscribed.until(COMMAND_ROOM);
  const from = { user: "service_role" };
  await inner.publish(COMMAND_ROOM, [{ id: "1", event: "kick", data: '"{"', from }]);
  using other = new Isolate(inner);
  await other.evictions.disconnect({ user: "bob" });
  await isolate.done.until("disconnect bob");
  assertEquals(isolate.logged.entries, ["evictions.malformed", "evictions.applied"]);
});

Deno.test("a thousand commands in a burst reach another isolate, in order", async () => {
  await using world = new MemoryTestWorld();
  const { backplane, subscribed } = await openWatched(world);
  using first = new Isolate(backplane);
  using second = new Isolate(backplane);
  second.evictions.follow();
  await subscribed.until(COMMAND_ROOM);
  const users = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);
  await Promise.all(users.map((user) => first.evictions.disconnect({ user })));
  await second.done.until("disconnect user-999");
  assertEquals(second.done.entries, users.map((user) => `disconnect ${user}`));
});
