import type { SocketClose } from "./socket.ts";

/** Headers of a stream of Server-Sent Events. nginx buffers no response with the last one. */
export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
} as const;

/**
 * The event `close`, the last one of a stream. `retryMs` is the time that EventSource waits before
 * it reconnects, from then on; without it the time stays as it was.
 */
export function closeEvent({ code, reason }: SocketClose, retryMs?: number): string {
  if (retryMs === undefined) return `event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`;
  const data = JSON.stringify({ code, reason, retry_after_ms: retryMs });
  return `retry: ${retryMs}\nevent: close\ndata: ${data}\n\n`;
}

/** Shortest wait before a reconnect. Chromium reconnects at once when it is 0. */
const MIN_RECONNECT_MS = 1_000;

/**
 * Time after which EventSource is asked to reconnect: at least `ms` and one second, and up to twice
 * as long, so that clients do not return together.
 */
export function reconnectAfter(ms: number, random: () => number): number {
  const least = Math.max(MIN_RECONNECT_MS, ms);
  return least + Math.floor(random() * least);
}
