import type { Message, Page } from "../backplane/contract.ts";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import { join as joinFrames } from "./outbound/fan_out.ts";
import { messageText } from "./outbound/frame_text.ts";
import type { JoinFrom, JoinRequest } from "./join_request.ts";
import type { Member } from "./member.ts";
import type { Room } from "./room.ts";
import type { RoomDeps } from "./room_deps.ts";

/** Replayed messages are joined up to this length. */
const MAX_JOINED_LENGTH = 32_768;

/** Messages that will not come. */
interface Gap {
  readonly from: number;
  /** Null when nobody can know. */
  readonly to: number | null;
  readonly epoch: string;
}

/** Where a member starts, and what it misses. */
interface Start {
  /** Everything after this is sent; everything from now on when it is absent. */
  readonly cursor?: number;
  readonly recovered: boolean;
  readonly gaps: readonly Gap[];
}

/**
 * Brings a member into its room: `welcome`, what it asked for of the past, `presence`, and from there on everything, with
 * no hole and nothing twice. Returns early when the member has gone meanwhile.
 * @throws {BackplaneUnavailable} as a rejection, when history cannot be read now
 */
export async function join(
  member: Member,
  room: Room,
  request: JoinRequest,
  deps: RoomDeps,
): Promise<void> {
  const { socket } = member;
  const { from } = request;
  if (from.type === "resume" && member.permissions.presence) {
    const { previous } = from;
    await deps.backplane.resume(room.key, {
      user: member.user.id,
      connection: member.connection,
      ...(previous === undefined ? {} : { previous }),
    });
  }
  const start = await findStart(from, room, member.permissions.history, deps);
  if (!socket.isOpen) return;
  member.welcome(JSON.stringify({
    type: "welcome",
    room: request.room,
    connection: member.connection,
    user: member.user.id,
    epoch: room.epoch,
    offset: room.recent.head,
    recovered: start.recovered,
    expires_at: member.user.expiresAt,
    heartbeat_ms: deps.heartbeatMs,
    limits: deps.limits,
  }));
  let { cursor = room.recent.head } = start;
  for (const gap of start.gaps) sendGap(member, gap);
  // What is checked last must be true below: there is no await in between.
  while (!room.recent.reaches(cursor)) {
    cursor = await replayPage(member, room, cursor, deps);
    if (!socket.isOpen) return;
  }
  if (room.isLost) return member.roomLost();
  room.add(member, () => {
    sendAll(member, room.recent.after(cursor));
    if (member.seesPresence) member.send(room.presenceText());
  });
  member.enter(room);
}

async function findStart(
  from: JoinFrom,
  room: Room,
  mayReadHistory: boolean,
  { backplane }: RoomDeps,
): Promise<Start> {
  const { epoch } = room;
  if (from.type === "live" || (from.type === "history" && from.count === 0)) {
    return { recovered: false, gaps: [] };
  }
  if (from.type === "history") {
    const { head, first } = await backplane.history(room.key, { after: 0, limit: 1 });
    return { cursor: Math.max(head - from.count, first - 1), recovered: false, gaps: [] };
  }
  const isOther = from.epoch !== epoch;
  const lost: Gap[] = isOther ? [{ from: from.after + 1, to: null, epoch: from.epoch }] : [];
  const after = isOther ? 0 : from.after;
  const { head } = room.recent;
  if (after > head) return { cursor: head, recovered: false, gaps: [{ from: head + 1, to: after, epoch }] };
  if (!isOther && room.recent.retains(after) && (mayReadHistory || after === head)) {
    return { cursor: after, recovered: true, gaps: [] };
  }
  if (!mayReadHistory) {
    const unread = after < head ? [{ from: after + 1, to: head, epoch }] : [];
    return { cursor: head, recovered: false, gaps: [...lost, ...unread] };
  }
  const { first } = await backplane.history(room.key, { after, limit: 1 });
  const trimmed = first > after + 1 ? [{ from: after + 1, to: first - 1, epoch }] : [];
  const gaps = [...lost, ...trimmed];
  return { cursor: Math.max(after, first - 1), recovered: gaps.length === 0, gaps };
}

/** Replays a page of history; returns the offset up to which the member has all. */
async function replayPage(
  member: Member,
  room: Room,
  cursor: number,
  { backplane }: RoomDeps,
): Promise<number> {
  const page = await backplane.history(room.key, { after: cursor, limit: MAX_PAGE });
  const gap = gapBefore(page, cursor);
  if (gap) sendGap(member, gap);
  await replay(member, page.messages);
  const reached = page.messages.at(-1)?.offset ?? page.first - 1;
  if (reached <= cursor) throw new Error(`History after ${cursor} is empty, but there is more of the room.`);
  return reached;
}

/** What was trimmed since the member was told where it starts. */
function gapBefore({ first, epoch }: Page, cursor: number): Gap | undefined {
  return first > cursor + 1 ? { from: cursor + 1, to: first - 1, epoch } : undefined;
}

/** Sends messages no faster than the member takes them: a long replay must not look like a slow reader. */
async function replay(member: Member, messages: readonly Message[]): Promise<void> {
  let texts: string[] = [];
  let length = 0;
  for (const message of messages) {
    const text = messageText(message);
    texts.push(text);
    length += text.length;
    if (length < MAX_JOINED_LENGTH) continue;
    sendAll(member, texts);
    texts = [];
    length = 0;
    if (member.isSlow) await member.socket.drained();
    if (!member.socket.isOpen) return;
  }
  sendAll(member, texts);
}

function sendAll(member: Member, texts: readonly string[]): void {
  if (texts.length === 0) return;
  if (member.joinsFrames) member.send(joinFrames(texts));
  else for (const text of texts) member.send(text);
}

function sendGap(member: Member, { from, to, epoch }: Gap): void {
  member.send(JSON.stringify({ type: "gap", from, to, epoch }));
}
