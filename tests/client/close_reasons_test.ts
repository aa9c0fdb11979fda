/** The reason of a connection's end. WebKit reports 1006 for 1012 and 1013 (browsers.md, 3). */
import { assertEquals } from "@std/assert";
import { closeReason, type LastFrame } from "../../packages/client/connection/close_reasons.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { FollowedRoom, quick } from "./faults/followed_room.ts";
import { observedSocket } from "./faults/observed_socket.ts";
import { startStoppable } from "./faults/stoppable_service.ts";

const draining: LastFrame = { type: "draining", reconnect_after_ms: 40 };
const unavailable: LastFrame = { type: "error", code: "unavailable", retry_after_ms: 1_000 };
const answer: LastFrame = { type: "error", id: "a", code: "invalid_frame" };
const limited: LastFrame = { type: "error", id: "a", code: "rate_limited", retry_after_ms: 10_000 };

for (
  const { closeCode, last, code, retryAfterMs } of [
    { closeCode: 1006, last: draining, code: "draining", retryAfterMs: 40 },
    { closeCode: 1012, last: draining, code: "draining", retryAfterMs: 40 },
    { closeCode: 1006, last: unavailable, code: "unavailable", retryAfterMs: 1_000 },
    { closeCode: 1013, last: unavailable, code: "unavailable", retryAfterMs: 1_000 },
    { closeCode: 4429, last: limited, code: "rate_limited", retryAfterMs: 10_000 },
    // It answered a request, and says nothing about the end.
    { closeCode: 1006, last: answer, code: "disconnected", retryAfterMs: undefined },
    { closeCode: 1006, last: { type: "message", id: "a" }, code: "disconnected", retryAfterMs: undefined },
    { closeCode: 1006, last: {}, code: "disconnected", retryAfterMs: undefined },
    { closeCode: 4401, last: answer, code: "token_expired", retryAfterMs: undefined },
  ] as const
) {
  const { type = "nothing", id } = last as LastFrame;
  Deno.test(`${closeCode} after ${type}${id ? " with an id" : ""} is ${code}`, () => {
    const reason = closeReason(closeCode, "", last);
    assertEquals([reason.code, reason.closeCode, reason.retryAfterMs], [code, closeCode, retryAfterMs]);
  });
}

type CloseListener = (close: { readonly code: number; readonly reason: string }) => void;

/** A WebSocket of WebKit: it shows the close codes 1012 to 1014 as 1006. */
class WebKitSocket extends observedSocket({}) {
  override addEventListener(type: string, listener: (event: never) => void): void {
    if (type !== "close") return super.addEventListener(type as "open", listener as () => void);
    super.addEventListener("close", ({ code, reason }) => {
      const isHidden = code >= 1012 && code <= 1014;
      (listener as CloseListener)(isHidden ? { code: 1006, reason: "" } : { code, reason });
    });
  }
}

Deno.test("a drained isolate is draining in WebKit too, and the room comes back", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  const options = quick(running, "alice", { WebSocket: WebKitSocket, retry: { minMs: 60_000 } });
  await using alice = FollowedRoom.connect(proxy.url("/realtime/rooms/r"), options);
  await alice.untilLive(1);
  await running.engine.connections.drain("test", 0);
  await alice.until(() => alice.room.state.type === "waiting", "the end");
  assertEquals(alice.waits, ["draining"]);
});
