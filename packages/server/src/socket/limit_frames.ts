import type { MonotonicClock } from "../clocks.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { FLOOD_WAIT_MS } from "../../../protocol/limits.ts";
import { FrameRate } from "./frame_rate.ts";
import type { SocketHandlers } from "./socket.ts";

/** Rate of one socket's messages. */
export interface FrameRateOptions {
  readonly perSecond: number;
  readonly burst: number;
  readonly now: MonotonicClock;
}

/**
 * Limits the rate of a socket's messages as rooms do (docs/protocol.md, rules 10.1 and 10.2): a
 * refused message is answered with an `error` frame, and a flood is closed with 4429.
 */
export function limitFrames(
  handlers: SocketHandlers,
  { perSecond, burst, now }: FrameRateOptions,
): SocketHandlers {
  const rate = new FrameRate(perSecond, burst, now());
  // Methods, not a spread: an endpoint's handlers may be an instance of a class.
  return {
    onOpen: (socket) => handlers.onOpen?.(socket),
    onMessage(socket, data) {
      const admission = rate.admitFrame(now());
      if (admission === "taken") return handlers.onMessage?.(socket, data);
      const isFlood = admission === "flood";
      socket.sendError("rate_limited", { retryAfterMs: isFlood ? FLOOD_WAIT_MS : admission.retryAfterMs });
      if (isFlood) socket.close(CLOSE.flood, `a flood: wait ${FLOOD_WAIT_MS} ms`);
    },
    onDrain: (socket, notice) => handlers.onDrain?.(socket, notice),
    onClose: (socket, close) => handlers.onClose?.(socket, close),
  };
}
