import { connect, RoomError } from "../../../packages/client/mod.ts";
import { expect, expectEqual, rejection, soon } from "./expectation.ts";
import type { Scenario } from "./scenario.ts";
import type { TokenKind } from "./stage.ts";
import { RoomRecorder } from "./room_recorder.ts";
import type { Events } from "./environment.ts";

/** Scenarios with refusals. */
export const REFUSED: readonly Scenario[] = [
  {
    name: "a refused token is asked for afresh, and why it was refused is found out over HTTP",
    async run({ proxied, stage, as }) {
      const asked: boolean[] = [];
      const kinds: TokenKind[] = ["expired", "expired", "good"];
      const room = connect<Events>(
        proxied,
        as("alice", {
          token({ refresh }) {
            asked.push(refresh);
            return stage.token("alice", kinds[asked.length - 1]);
          },
        }),
      );
      const recorder = new RoomRecorder(room);
      await soon(room.live(), "the room to be live");
      expectEqual(asked, [false, true, true], "`refresh`");
      expectEqual(recorder.waits, ["token_expired"], "reasons");
      const requests = (await stage.requests()).map((path) => path.split("/").at(-1));
      // Node 26 asks for a refused upgrade twice, and a page asks whether it may ask.
      const changes = requests.filter((name, at) => name !== requests[at - 1]);
      expectEqual(changes, ["r", "whoami", "r", "whoami", "r"], "what was asked for");
      await room.close();
    },
  },
  {
    name: "a room that the user may not join is closed at once, with the reason",
    async run({ proxied, stage, as }) {
      const room = connect<Events>(proxied, as("alice", { token: () => stage.token("alice", "banned") }));
      const error = await rejection(room.live(), "the room to be live");
      expect(error instanceof RoomError && error.code === "forbidden", "it is forbidden");
      expect(
        error instanceof RoomError && error.requestId !== undefined,
        "the refusal can be found in the logs",
      );
      expectEqual(room.state.type, "closed", "state");
    },
  },
  {
    name: "who is banned while connected is stopped, with the reason, and nothing more is taken",
    async run({ proxied, stage, as }) {
      let isBanned = false;
      const room = connect<Events>(
        proxied,
        as("alice", {
          token({ refresh }) {
            isBanned ||= refresh;
            return stage.token("alice", isBanned ? "banned" : "good");
          },
        }),
      );
      const recorder = new RoomRecorder(room);
      await room.live();
      const error = await rejection(room.refreshToken(), "the fresh token");
      expect(error instanceof RoomError && error.code === "forbidden", "the token is refused");
      await recorder.untilState(({ type }) => type === "closed", "the end");
      const { state } = room;
      expect(state.type === "closed" && state.reason.code === "forbidden", "the reason is forbidden");
      const isCode = recorder.waits.length === 0 && state.type === "closed" &&
        state.reason.closeCode === 4403;
      // A close code of a server on Deno 2.1.4 does not reach Chromium; then the next upgrade is
      // refused.
      const isLost = "document" in globalThis && recorder.waits.join() === "disconnected";
      expect(isCode || isLost, "it is the close code that says so");
      const refused = await rejection(room.publish("chat", { n: 1 }), "a publish");
      expect(
        refused instanceof RoomError && refused.code === "forbidden",
        "a publish is rejected for the same reason",
      );
    },
  },
  {
    name: "a token callback without a token signs the room out, and one that throws is asked again",
    async run({ proxied, stage, as }) {
      let asked = 0;
      const room = connect<Events>(
        proxied,
        as("alice", {
          token({ refresh }) {
            if (++asked === 1) throw new Error("The session is not there yet.");
            return refresh ? null : stage.token("alice");
          },
        }),
      );
      const recorder = new RoomRecorder(room);
      await soon(room.live(), "the room to be live");
      expectEqual(recorder.waits, ["token_failed"], "reasons");
      await room.close();

      const signedOut = connect<Events>(proxied, as("alice", { token: () => null }));
      const error = await rejection(signedOut.live(), "the room to be live");
      expect(error instanceof RoomError && error.code === "signed_out", "it is signed out");
    },
  },
];
