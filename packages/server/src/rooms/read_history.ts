import type { Page, PageRequest } from "../backplane/contract.ts";
import type { HistoryFrame } from "../../../protocol/frames.ts";
import { historyText, pageEntryText } from "./outbound/frame_text.ts";
import type { Member } from "./member.ts";
import type { RoomDeps } from "./room_deps.ts";

/** Longest page in characters, so that one request cannot fill a client's buffer. */
const MAX_PAGE_LENGTH = 131_072;

/** Answers a `history` frame. Never rejects. */
export async function readHistory(
  member: Member,
  key: string,
  { id, after, before, limit }: HistoryFrame,
  { backplane, reads }: RoomDeps,
): Promise<void> {
  if (!member.permissions.history) {
    return member.error("forbidden", { id, message: "This user may not read this room's history." });
  }
  const request: PageRequest = before === undefined ? { after: after ?? 0, limit } : { before, limit };
  try {
    // A member that asks for much gets it as fast as it reads, and does not count as a slow reader.
    if (member.isSlow) await member.socket.drained();
    const page = await reads.run(member.user.id, () => backplane.history(key, request));
    const { entries, more } = pageTexts(page, request);
    member.reply(historyText(id, entries, more));
  } catch (error) {
    member.failed(error, id);
  }
}

/** The entries of a page as text, cut at the end that is farther from the requested offset. */
export function pageTexts(
  { messages, more }: Page,
  request: PageRequest,
): { readonly entries: readonly string[]; readonly more: boolean } {
  const forwards = "after" in request;
  const nearestFirst = forwards ? messages : messages.toReversed();
  const entries: string[] = [];
  let length = 0;
  for (const message of nearestFirst) {
    const text = pageEntryText(message);
    length += text.length;
    if (length > MAX_PAGE_LENGTH && entries.length > 0) break;
    entries.push(text);
  }
  if (!forwards) entries.reverse();
  return { entries, more: more || entries.length < messages.length };
}
