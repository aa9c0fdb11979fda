import { RoomError } from "./errors.ts";
import type { EventTypes, Room, RoomMessage } from "./room.ts";

/**
 * Yields a room's messages from the start of the loop. Ends once the application closes the room.
 * Throws the reason if the room closes otherwise, and `overflow` if more than `limit` messages
 * wait.
 */
export async function* iterate<Received extends EventTypes>(
  room: Pick<Room<EventTypes, Received>, "on" | "state">,
  limit: number,
): AsyncGenerator<RoomMessage<Received>, void> {
  const waiting: RoomMessage<Received>[] = [];
  let reason: RoomError | undefined;
  let wake = () => {};
  const check = () => {
    const { state } = room;
    if (state.type === "closed") reason ??= state.reason;
    wake();
  };
  const endMessages = room.on("message", (message) => {
    if (waiting.length < limit) waiting.push(message);
    else {reason ??= new RoomError(
        "overflow",
        `More than ${limit} messages wait: raise iteratorLimit.`,
      );}
    wake();
  });
  const endState = room.on("state", check);
  try {
    check();
    for (;;) {
      for (let message = waiting.shift(); message; message = waiting.shift()) yield message;
      if (reason) break;
      await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    endMessages();
    endState();
  }
  if (reason.code !== "closed" && reason.code !== "aborted") throw reason;
}
