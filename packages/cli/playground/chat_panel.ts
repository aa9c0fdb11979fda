/// <reference lib="dom" />
import { ChatLog } from "./chat_log.ts";
import { showComposer } from "./composer.ts";
import { showOlder } from "./older_messages.ts";
import { Outbox } from "./outbox.ts";
import type { HeardMessage, Visited } from "./playground_room.ts";
import { untilAborted } from "./until_aborted.ts";

/** Shows what is said in the room, and sends what one says oneself; `onSend` is called after that. */
export function showChat({ room, signal }: Visited, onSend: () => void): void {
  const log = new ChatLog(signal);
  const outbox = new Outbox(room, log);
  let user: string | undefined;
  /** What the room had when one came first: up to there nothing is news. */
  let head: number | undefined;
  const isOwn = (message: HeardMessage) => message.from.user === user;
  const older = showOlder({ room, signal }, log, isOwn);

  untilAborted(
    signal,
    room.on("frame", ({ frame }) => {
      if (frame.type !== "welcome") return;
      user = frame.user;
      head ??= frame.offset;
    }),
    room.on("message", (message) => {
      if (isOwn(message)) outbox.arrived(message.id);
      const isNew = message.offset === undefined || head === undefined || message.offset > head;
      log.add(message, isOwn(message), isNew);
      log.change(older.offer);
    }),
    room.on("gap", (gap) => {
      if (gap.to === null) head = 0;
      log.addGap(gap);
      log.change(older.offer);
    }),
  );
  showComposer({ room, signal }, (text) => {
    outbox.send(text);
    onSend();
  });
}
