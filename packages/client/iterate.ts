import { RoomError } from "./errors.ts";
import type { EventTypes, Room, RoomMessage } from "./room.ts";

/**
 * A room's messages for `for await`, from when the loop begins. Ends when the application closes the room; throws the reason when it is
 * closed otherwise, and `overflow` after `limit` messages that were not taken.
 */
export async function* iterate<Received extends EventTypes>(
  room: Pick<Room<EventTypes, Received>, "on" | "state">,
  limit: number,
): AsyncGenerator<RoomMessage<Received>, void> {
  const waiting: RoomMessage<Received>[] = [];
  let reason: RoomError | undefined;
  let wake = () => {};
  const look = () => {
    const { state } = room;
    if (state.type === "closed") reason ??= state.reason;
    wake();
  };
  const endMessages = room.on("message", (message) => {
    if (waiting.length < limit) waiting.push(message);
    else reason ??= new RoomError("overflow", `More than ${limit} messages were not taken.`);
    wake();
  });
  const endState = room.on("state", look);
  try {
    look();
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
