import { connect, createConnection, RoomError } from "../../../packages/client/mod.ts";
import { expect, expectEqual, rejection, soon } from "./expectation.ts";
import type { Scenario } from "./scenario.ts";
import { oneTo, RoomRecorder } from "./room_recorder.ts";
import type { Events } from "./environment.ts";

/** Scenarios with a working network. */
export const CALM: readonly Scenario[] = [
  {
    name: "connects, and is live as its user",
    async run({ proxied, as }) {
      const room = connect<Events>(proxied, as("alice"));
      const recorder = new RoomRecorder(room);
      const { user, recovered, connection } = await soon(room.live(), "the room to be live");
      expectEqual([user, recovered], ["alice", null], "user and recovered");
      expect(connection.length > 0, "the connection has an id");
      await soon(room.close(), "the room to be closed");
      const states = recorder.states.map(({ type }) => type).filter((type) => type !== "idle");
      expectEqual(states, ["connecting", "live", "closed"], "states");
    },
  },
  {
    name: "messages arrive in the order of offsets, with the data of their event",
    async run({ proxied, stage, as }) {
      const room = connect<Events>(proxied, as("alice"));
      const recorder = new RoomRecorder(room);
      const heard: number[] = [];
      room.onMessage("chat", ({ data }) => heard.push(data.n));
      await room.live();
      await stage.publish(50);
      await recorder.untilMessages(50);
      expectEqual(recorder.offsets, oneTo(50), "offsets");
      expectEqual(heard, oneTo(50), "data");
      expectEqual(new Set(recorder.messages.map(({ from }) => from.user)).size, 1, "senders");
      await room.close();
    },
  },
  {
    name: "a publish resolves with the offset under which everybody gets it",
    async run({ proxied, as }) {
      const room = connect<Events>(proxied, as("alice"));
      const recorder = new RoomRecorder(room);
      // The first ones wait for the connection.
      const offsets = await soon(Promise.all(oneTo(20).map((n) => room.publish("chat", { n }))), "acks");
      await recorder.untilMessages(20);
      expectEqual(offsets, oneTo(20), "offsets");
      expectEqual(recorder.saidBy("alice"), oneTo(20), "order");
      expectEqual(room.pending, 0, "messages that wait");
      await room.close();
    },
  },
  {
    name: "pages of history are read in both directions",
    async run({ proxied, stage, as }) {
      await stage.publish(10);
      const room = connect<Events>(proxied, as("alice"));
      const after = await soon(room.history({ after: 2, limit: 3 }), "a page");
      expectEqual(
        after.messages.map(({ offset, data }) => [offset, data.n]),
        [[3, 3], [4, 4], [5, 5]],
        "after",
      );
      const before = await soon(room.history({ before: 3 }), "a page");
      expectEqual(before.messages.map(({ offset }) => offset), [1, 2], "before");
      expectEqual([after.more, before.more], [true, false], "more");
      await room.close();
    },
  },
  {
    name: "a loop over the room gets the messages in order, and ends when the room is closed",
    async run({ proxied, stage, as }) {
      const room = connect<Events>(proxied, as("alice"));
      const seen: number[] = [];
      const reading = (async () => {
        for await (const { data } of room) {
          seen.push(data.n);
          if (data.n === 30) void room.close();
        }
      })();
      await room.live();
      await stage.publish(30);
      await soon(reading, "the loop to end");
      expectEqual(seen, oneTo(30), "messages");
    },
  },
  {
    name: "an AbortSignal closes the room, and what waits is rejected",
    async run({ proxied, as }) {
      const stop = new AbortController();
      const room = connect<Events>(proxied, as("alice", { signal: stop.signal }));
      const recorder = new RoomRecorder(room);
      await room.live();
      const offset = room.publish("chat", { n: 1 });
      const rejected = rejection(offset, "the publish");
      stop.abort();
      await recorder.untilState(({ type }) => type === "closed", "the end");
      const error = await rejected;
      expect(error instanceof RoomError && error.code === "aborted", "the publish is rejected with aborted");
      expect(room.state.type === "closed" && room.state.reason.code === "aborted", "the reason is aborted");
      await room.close();
    },
  },
  {
    name: "`await using` closes the room at the end of its block",
    async run({ proxied, as }) {
      let left;
      {
        await using room = connect<Events>(proxied, as("alice"));
        left = room;
        await room.live();
      }
      expect(left.state.type === "closed" && left.state.reason.code === "closed", "the room is closed");
    },
  },
  {
    name: "two rooms share a socket, and each gets its own messages",
    async run({ proxied, stage, as }) {
      const base = proxied.replace(/\/rooms\/[^/]+$/, "");
      const connection = createConnection(base, as("alice"));
      const [room, other] = [connection.room<Events>("r"), connection.room<Events>("other")];
      const [recorder, otherRecorder] = [new RoomRecorder(room), new RoomRecorder(other)];
      await soon(Promise.all([room.live(), other.live()]), "both rooms to be live");
      expectEqual(await soon(other.publish("chat", { n: 7 }), "the ack"), 1, "offset");
      await stage.publish(3);
      await recorder.untilMessages(3);
      await otherRecorder.untilMessages(1);
      expectEqual([recorder.offsets, otherRecorder.offsets], [oneTo(3), [1]], "offsets");
      expectEqual(otherRecorder.saidBy("alice"), [7], "messages of the other room");
      const sockets = (await stage.requests()).filter((path) => path.includes("/socket"));
      expectEqual(sockets.length, 1, "sockets");
      await soon(connection.close(), "the connection to be closed");
      expectEqual([room.state.type, other.state.type], ["closed", "closed"], "states");
    },
  },
];
