/// <reference lib="dom" />
import { onAbort } from "../dom.ts";
import { ChatLog } from "./chat_log.ts";
import { showComposer } from "./composer.ts";
import { showOlder } from "./older_messages.ts";
import { Outbox } from "./outbox.ts";
import type { ReceivedMessage, RoomContext } from "../playground_room.ts";

/** Shows the room's messages and the composer; calls `onSend` after each send. */
export function showChat({ room, signal }: RoomContext, onSend: () => void): void {
  const log = new ChatLog(signal);
  const outbox = new Outbox(room, log);
  let user: string | undefined;
  /** Head at the first join. Messages up to it are history. */
  let head: number | undefined;
  const isOwn = (message: ReceivedMessage) => message.from.user === user;
  const older = showOlder({ room, signal }, log, isOwn);

  onAbort(
    signal,
    room.on("frame", ({ frame }) => {
      if (frame.type !== "welcome") return;
      user = frame.user;
      head ??= frame.offset;
    }),
    room.on("message", (message) => {
      if (isOwn(message)) outbox.confirm(message.id);
      const isNew = message.offset === undefined || head === undefined || message.offset > head;
      log.add(message, isOwn(message), isNew);
      log.change(older.update);
    }),
    room.on("gap", (gap) => {
      if (gap.to === null) head = 0;
      log.addGap(gap);
      log.change(older.update);
    }),
  );
  showComposer({ room, signal }, (content) => {
    outbox.send(content);
    onSend();
  });
}
