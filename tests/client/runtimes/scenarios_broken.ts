import { connect } from "../../../packages/client/mod.ts";
import { expect, expectEqual, soon } from "./expectation.ts";
import type { Scenario } from "./scenario.ts";
import { oneTo, RoomRecorder } from "./room_recorder.ts";
import type { Events } from "./environment.ts";

const ROUNDS = 6;
const PER_ROUND = 10;

/** Scenarios with a faulty network: no message is missed or doubled. */
export const BROKEN: readonly Scenario[] = [
  {
    name:
      "the connection is cut again and again while everybody publishes: each message comes once, in order",
    async run({ proxied, stage, as }) {
      const room = connect<Events>(proxied, as("alice"));
      const recorder = new RoomRecorder(room);
      await room.live();
      const own: Promise<number>[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        for (let count = 0; count < PER_ROUND; count++) own.push(room.publish("chat", { n: own.length + 1 }));
        const others = stage.publish(PER_ROUND);
        await stage.cut();
        await others;
      }
      const offsets = await soon(Promise.all(own), "acks");
      await recorder.untilMessages(2 * ROUNDS * PER_ROUND);
      const all = oneTo(2 * ROUNDS * PER_ROUND);
      const stored = await soon(room.history({ after: 0, limit: 500 }), "what the server has");
      expectEqual(stored.messages.map(({ offset }) => offset), all, "what is stored");
      expectEqual(recorder.offsets, all, "what came");
      expectEqual(recorder.saidBy("alice"), oneTo(ROUNDS * PER_ROUND), "own messages");
      expectEqual(
        recorder.messages.filter(({ from }) => from.user === "alice").map(({ offset }) => offset),
        offsets,
        "acks",
      );
      expect(recorder.waits.includes("disconnected"), "the connection broke");
      expectEqual(room.pending, 0, "messages that wait");
      await room.close();
    },
  },
  {
    name: "while the network is away messages wait, and then all arrive",
    async run({ proxied, stage, as }) {
      const room = connect<Events>(proxied, as("alice"));
      const recorder = new RoomRecorder(room);
      const first = await room.live();
      await stage.refuse();
      await recorder.untilState((state) => state.type === "waiting" && state.attempt >= 3, "a third failure");
      const own = oneTo(5).map((n) => room.publish("chat", { n }));
      await stage.publish(5);
      expectEqual([room.pending, recorder.messages.length], [5, 0], "what waits, what came");
      expect(recorder.waits.includes("unreachable"), "the server could not be reached");
      await stage.mend();
      expectEqual(await soon(Promise.all(own), "acks"), [6, 7, 8, 9, 10], "offsets");
      await recorder.untilMessages(10);
      expectEqual(recorder.offsets, oneTo(10), "what came");
      const { state } = room;
      expect(state.type === "live" && state.recovered === true, "the room has recovered");
      expect(state.type === "live" && state.connection !== first.connection, "the connection is another one");
      await room.close();
    },
  },
  {
    name: "a network that takes everything and gives nothing back is noticed, and nothing is lost",
    env: { HEARTBEAT_MS: "500" },
    async run({ proxied, stage, as }) {
      const room = connect<Events>(proxied, as("alice", { timeouts: { connectMs: 500, probeMs: 300 } }));
      const recorder = new RoomRecorder(room);
      await room.live();
      await stage.hold();
      const own = room.publish("chat", { n: 1 });
      await stage.publish(3);
      await recorder.untilState(({ type }) => type === "waiting", "the silence to be noticed");
      expect(recorder.waits.includes("silent"), "the reason is silence");
      await stage.mend();
      await soon(own, "the ack");
      await recorder.untilMessages(4);
      expectEqual(recorder.offsets, oneTo(4), "what came");
      await room.close();
    },
  },
  {
    name: "presence is seen by others, survives a lost connection, and ends with the room",
    async run({ proxied, direct, stage, as }) {
      const bob = connect<Events>(direct, as("bob"));
      const changes: string[] = [];
      let onChange = () => {};
      bob.on("presence", ({ joined, updated, left }) => {
        changes.push(
          ...joined.map(({ user, state }) => `${user} joined ${state["mood"]}`),
          ...updated.map(({ user, state, previous }) =>
            `${user} ${previous ? "resumed" : "changed to"} ${state["mood"]}`
          ),
          ...left.map(({ user }) => `${user} left`),
        );
        onChange();
      });
      const until = (count: number) =>
        soon(
          new Promise<void>((resolve) => {
            onChange = () => changes.length >= count && resolve();
            onChange();
          }),
          `${count} changes of presence; there is ${changes}`,
        );
      await bob.live();
      const alice = connect<Events>(proxied, as("alice"));
      await soon(alice.presence.enter({ mood: "fine" }), "alice to have entered");
      await soon(alice.presence.enter({ mood: "better" }), "alice to have changed");
      await until(2);
      await stage.cut();
      await until(3);
      await soon(alice.live(), "alice to be live again");
      expectEqual([...bob.presence.users.keys()], ["alice"], "presence");
      await alice.close();
      await until(4);
      expectEqual(
        changes,
        ["alice joined fine", "alice changed to better", "alice resumed better", "alice left"],
        "what bob saw",
      );
      expectEqual(bob.presence.members.length, 0, "presence");
      await bob.close();
    },
  },
];
