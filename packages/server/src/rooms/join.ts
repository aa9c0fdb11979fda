import { BackplaneUnavailable, type Message, type Page, type PageRequest } from "../backplane/contract.ts";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import { messageText } from "./outbound/frame_text.ts";
import type { JoinFrom, JoinRequest } from "./join_request.ts";
import type { Member } from "./member.ts";
import type { Room } from "./room.ts";
import type { RoomDeps } from "./room_deps.ts";

/** Longest joined text of a replay, in characters. */
const MAX_JOINED_LENGTH = 32_768;

/** Limit for this isolate to get stored messages that a client has from another one. */
const CATCH_UP_MS = 3_000;

/** Messages that cannot be replayed. */
interface Gap {
  readonly from: number;
  /** Null if the epoch changed, so that nobody can know. */
  readonly to: number | null;
  readonly epoch: string;
}

/** Start of a member's messages, and what it misses. */
interface Start {
  /** Everything after this offset is sent; absent for everything from now on. */
  readonly cursor?: number;
  readonly recovered: boolean;
  readonly gaps: readonly Gap[];
}

/**
 * Brings a member into its room: `welcome`, the messages it asked for, `presence`, and from there
 * on everything, without a gap and nothing twice. Returns early when the member has left.
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
  const start = await findStart(from, room, member, deps);
  if (!socket.isOpen) return;
  member.welcome(JSON.stringify({
    type: "welcome",
    // On a socket for many rooms each frame names its room.
    ...(member.joinId === undefined ? { room: request.room } : { id: member.joinId }),
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
  // The last check must still hold below, so no await may come in between.
  while (!room.recent.reaches(cursor)) {
    cursor = await replayPage(member, room, cursor, deps);
    if (!socket.isOpen) return;
  }
  if (room.isLost) return member.roomLost();
  member.enter(room, () => {
    member.sendFrames(room.recent.after(cursor));
    if (member.seesPresence) member.sendFrames([room.presenceText]);
  });
}

async function findStart(
  from: JoinFrom,
  room: Room,
  member: Member,
  deps: RoomDeps,
): Promise<Start> {
  const { epoch } = room;
  const mayReadHistory = member.permissions.history;
  if (from.type === "live" || (from.type === "history" && from.count === 0)) {
    return { recovered: false, gaps: [] };
  }
  if (from.type === "history") {
    const { head, first } = await readPage(member, room, { after: 0, limit: 1 }, deps);
    return { cursor: Math.max(head - from.count, first - 1), recovered: false, gaps: [] };
  }
  const isStart = from.epoch === "" && from.after === 0;
  const isOther = from.epoch !== epoch && !isStart;
  const lost: Gap[] = isOther ? [{ from: from.after + 1, to: null, epoch: from.epoch }] : [];
  const after = isOther ? 0 : from.after;
  if (after > room.recent.head) await catchUp(room, after, member, deps);
  const { head } = room.recent;
  if (after > head) return { cursor: head, recovered: false, gaps: [{ from: head + 1, to: after, epoch }] };
  if (!isOther && room.recent.retains(after) && (mayReadHistory || after === head)) {
    return { cursor: after, recovered: true, gaps: [] };
  }
  if (!mayReadHistory) {
    const unread = after < head ? [{ from: after + 1, to: head, epoch }] : [];
    return { cursor: head, recovered: false, gaps: [...lost, ...unread] };
  }
  const { first } = await readPage(member, room, { after, limit: 1 }, deps);
  const trimmed = first > after + 1 ? [{ from: after + 1, to: first - 1, epoch }] : [];
  const gaps = [...lost, ...trimmed];
  return { cursor: Math.max(after, first - 1), recovered: gaps.length === 0, gaps };
}

/**
 * Waits until the room has messages up to `after`, if they are stored. An isolate may get them later
 * than the client did. Returns at once if the stored history is shorter.
 * @throws {BackplaneUnavailable} as a rejection, when they do not come
 */
async function catchUp(room: Room, after: number, member: Member, deps: RoomDeps): Promise<void> {
  const { epoch, head } = await readPage(member, room, { after, limit: 1 }, deps);
  if (epoch !== room.epoch || head < after) return;
  await room.reached(after, CATCH_UP_MS).catch((cause: unknown) => {
    throw new BackplaneUnavailable("Stored messages have not reached this isolate. Retry shortly.", {
      cause,
    });
  });
}

/** Replays a page of history; returns the offset up to which the member has everything. */
async function replayPage(
  member: Member,
  room: Room,
  cursor: number,
  deps: RoomDeps,
): Promise<number> {
  const page = await readPage(member, room, { after: cursor, limit: MAX_PAGE }, deps);
  const gap = gapBefore(page, cursor);
  if (gap) sendGap(member, gap);
  // The subscription brings messages after the room's head, even if the page is ahead of it.
  const messages = page.messages.filter(({ offset }) => offset <= room.recent.head);
  await replay(member, messages);
  const reached = messages.at(-1)?.offset ?? page.first - 1;
  if (reached <= cursor) {
    throw new Error(
      `The backplane returned no history after offset ${cursor}, but the room has more messages.`,
    );
  }
  return reached;
}

async function readPage(
  { user }: Member,
  { key }: Room,
  request: PageRequest,
  { backplane, reads }: RoomDeps,
): Promise<Page> {
  return await reads.run(user.id, () => backplane.history(key, request));
}

/** Messages that were trimmed since the member's start was decided. */
function gapBefore({ first, epoch }: Page, cursor: number): Gap | undefined {
  return first > cursor + 1 ? { from: cursor + 1, to: first - 1, epoch } : undefined;
}

/**
 * Sends messages no faster than the member reads, so that a long replay does not look like a slow
 * reader.
 */
async function replay(member: Member, messages: readonly Message[]): Promise<void> {
  let texts: string[] = [];
  let length = 0;
  for (const message of messages) {
    const text = messageText(message);
    texts.push(text);
    length += text.length;
    if (length < MAX_JOINED_LENGTH) continue;
    member.sendFrames(texts);
    texts = [];
    length = 0;
    if (member.isSlow) await member.socket.drained();
    if (!member.socket.isOpen) return;
  }
  member.sendFrames(texts);
}

function sendGap(member: Member, { from, to, epoch }: Gap): void {
  member.sendFrames([JSON.stringify({ type: "gap", from, to, epoch })]);
}
