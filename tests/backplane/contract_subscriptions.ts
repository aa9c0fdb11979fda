import { assert, assertEquals } from "@std/assert";
import { Listener } from "./listener.ts";
import { draft, drafts, ephemeral, range } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Tests the start, the events and the end of subscriptions. */
export function testSubscriptions(subject: Subject): void {
  worldTest(subject, "a subscription to an empty room starts at head 0", async (world) => {
    const { subscription } = await Listener.open(await world.open(), "r");
    assertEquals(subscription.head, 0);
    assertEquals(subscription.present, []);
    assert(subscription.epoch.length > 0);
  });

  worldTest(subject, "a subscription delivers messages after its head, and none before", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", drafts("m", 3));
    const listener = await Listener.open(await world.open(), "r");
    assertEquals(listener.subscription.head, 3);
    await isolate.publish("r", [draft("marker")]);
    await listener.untilId("marker");
    assertEquals(listener.offsets, [4]);
  });

  worldTest(
    subject,
    "no message is missing between the head and the first delivery, while isolates publish",
    async (world) => {
      const publishers = [await world.open(), await world.open()];
      const subscriber = await world.open();
      const listeners: Listener[] = [];
      const publishing = publishers.map(async (isolate, index) => {
        for (const number of range(1, 60)) await isolate.publish("r", drafts(`${index}-${number}-`, 2));
      });
      for (let count = 0; count < 12; count++) listeners.push(await Listener.open(subscriber, "r"));
      await Promise.all(publishing);
      listeners.push(await Listener.open(subscriber, "r"));
      for (const listener of listeners) {
        await listener.untilOffset(240);
        assertEquals(listener.offsets, range(listener.subscription.head + 1, 240));
      }
    },
  );

  worldTest(
    subject,
    "the head includes every message that was stored before the subscribe call",
    async (world) => {
      const one = await world.open();
      const other = await world.open();
      for (const number of range(1, 10)) {
        const [stored] = await one.publish("r", [draft(`${number}`)]);
        const listener = await Listener.open(other, "r");
        assertEquals(listener.subscription.head, stored?.offset);
        listener.close();
      }
    },
  );

  worldTest(
    subject,
    "two subscriptions of one isolate deliver the same messages, each once",
    async (world) => {
      const isolate = await world.open();
      const listeners = [await Listener.open(isolate, "r"), await Listener.open(isolate, "r")];
      await (await world.open()).publish("r", drafts("m", 2));
      await isolate.emit("r", ephemeral("marker"));
      for (const listener of listeners) {
        await listener.untilId("marker");
        await listener.untilOffset(2);
        assertEquals(listener.offsets, [1, 2]);
        assertEquals(listener.ephemerals.length, 1);
      }
    },
  );

  worldTest(
    subject,
    "a closed subscription delivers nothing, and others continue",
    async (world) => {
      const isolate = await world.open();
      const closed = await Listener.open(isolate, "r");
      const open = [await Listener.open(isolate, "r"), await Listener.open(await world.open(), "r")];
      await isolate.publish("r", [draft("before")]);
      await closed.untilId("before");
      // A publish that is pending during close is not delivered either.
      const underWay = isolate.publish("r", [draft("under way")]);
      closed.close();
      const count = closed.events.length;
      await underWay;
      await isolate.emit("r", ephemeral("passing"));
      await isolate.enter("r", { user: "alice", connection: "a1", state: "{}" });
      await isolate.publish("r", [draft("marker")]);
      for (const listener of open) {
        await listener.untilId("marker");
        assertEquals(listener.ids, ["before", "under way", "passing", "marker"]);
      }
      assertEquals(closed.events.length, count);
    },
  );

  worldTest(subject, "closing a subscription twice does nothing", async (world) => {
    const isolate = await world.open();
    const closed = await Listener.open(isolate, "r");
    const open = await Listener.open(isolate, "r");
    closed.close();
    closed.close();
    const later = await Listener.open(isolate, "r");
    closed.close();
    await isolate.publish("r", [draft("marker")]);
    for (const listener of [open, later]) {
      await listener.untilId("marker");
      assertEquals(listener.offsets, [1]);
    }
    assertEquals(closed.events, []);
  });

  worldTest(
    subject,
    "a subscription may close itself from its own delivery, and gets nothing more",
    async (world) => {
      const isolate = await world.open();
      const other = await Listener.open(isolate, "r");
      const ids: string[] = [];
      const subscription = await isolate.subscribe("r", (event) => {
        if (event.type === "ephemeral") ids.push(event.message.id);
        subscription.close();
      });
      for (const id of ["first", "second", "marker"]) await isolate.emit("r", ephemeral(id));
      await other.untilId("marker");
      assertEquals(ids, ["first"]);
    },
  );

  worldTest(subject, "a delivery may publish, and all subscriptions see the same order", async (world) => {
    const isolate = await world.open();
    const answers: Promise<unknown>[] = [];
    const before = await Listener.open(isolate, "r");
    await isolate.subscribe("r", (event) => {
      if (event.type !== "messages") return;
      for (const { id } of event.messages) {
        if (!id.startsWith("re: ")) answers.push(isolate.publish("r", [draft(`re: ${id}`)]));
      }
    });
    const after = await Listener.open(isolate, "r");
    await isolate.publish("r", [draft("question")]);
    for (const listener of [before, after]) {
      await listener.untilOffset(2);
      assertEquals(listener.ids, ["question", "re: question"]);
      assertEquals(listener.offsets, [1, 2]);
    }
    await Promise.all(answers);
  });

  worldTest(
    subject,
    "a delivery may subscribe, and the new subscription starts at its head",
    async (world) => {
      const isolate = await world.open();
      const opening: Promise<Listener>[] = [];
      const first = await Listener.open(isolate, "r");
      await isolate.subscribe("r", (event) => {
        if (event.type === "messages" && opening.length === 0) opening.push(Listener.open(isolate, "r"));
      });
      await isolate.publish("r", [draft("1")]);
      await first.untilOffset(1);
      await isolate.publish("r", [draft("2")]);
      await first.untilOffset(2);
      const opened = await Promise.all(opening);
      await isolate.publish("r", [draft("marker")]);
      for (const listener of opened) {
        await listener.untilId("marker");
        assertEquals(listener.offsets, range(listener.subscription.head + 1, 3));
      }
      assertEquals(opened.length, 1);
    },
  );

  worldTest(subject, "a room can be subscribed to repeatedly", async (world) => {
    const isolate = await world.open();
    for (const number of range(1, 5)) {
      const listener = await Listener.open(isolate, "r");
      await isolate.publish("r", [draft(`${number}`)]);
      await listener.untilId(`${number}`);
      assertEquals(listener.offsets, [number]);
      listener.close();
    }
  });

  worldTest(subject, "a room has one epoch in all isolates, also without subscriptions", async (world) => {
    const one = await world.open();
    const other = await world.open();
    for (const room of ["spoken in", "silent"]) {
      const first = await Listener.open(one, room);
      const { epoch } = first.subscription;
      if (room === "spoken in") await one.publish(room, [draft("m")]);
      first.close();
      const again = await Listener.open(other, room);
      assertEquals(again.subscription.epoch, epoch);
      assertEquals((await one.history(room, { after: 0, limit: 1 })).epoch, epoch);
      again.close();
      assertEquals((await other.history(room, { before: 1, limit: 1 })).epoch, epoch);
    }
  });

  worldTest(
    subject,
    "messages and presence changes are delivered in the order of the calls",
    async (world) => {
      const isolate = await world.open();
      const listeners = [await Listener.open(isolate, "r"), await Listener.open(await world.open(), "r")];
      await isolate.publish("r", [draft("1")]);
      await isolate.enter("r", { user: "alice", connection: "a1", state: "{}" });
      await isolate.publish("r", [draft("2")]);
      await isolate.leave("r", "a1");
      await isolate.emit("r", ephemeral("marker"));
      for (const listener of listeners) {
        await listener.untilId("marker");
        assertEquals(
          listener.events.map((event) => event.type === "presence" ? event.change.type : event.type),
          ["messages", "joined", "messages", "left", "ephemeral"],
        );
      }
    },
  );
}
