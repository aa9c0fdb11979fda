import type { Clock } from "../../packages/client/clock.ts";
import { Requests } from "../../packages/client/requests.ts";
import { SendQueue } from "../../packages/client/send_queue.ts";
import type { ClientFrame } from "../../packages/protocol/frames.ts";

/** Requests with a queue of their own. `onMessage` gets the frames of each WebSocket message. */
export function createRequests(clock: Clock, onMessage: (frames: ClientFrame[]) => void): Requests {
  return new Requests({ clock, queue: createQueue(clock, onMessage) });
}

/** A send queue. `onMessage` gets the frames of each WebSocket message. */
export function createQueue(clock: Clock, onMessage: (frames: ClientFrame[]) => void): SendQueue {
  return new SendQueue({ clock, send: (text) => onMessage([JSON.parse(text)].flat()) });
}
