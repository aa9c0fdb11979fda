import type { Backplane, Message, Page, PageRequest } from "../../packages/server/src/backplane/contract.ts";
import { range } from "./samples.ts";

/** A page reduced to offsets. */
export interface PageOutline {
  readonly head: number;
  readonly first: number;
  readonly offsets: readonly number[];
  readonly more: boolean;
}

/** Reduces a page to offsets. */
export function outline({ head, first, messages, more }: Page): PageOutline {
  return { head, first, offsets: messages.map(({ offset }) => offset), more };
}

/** Reads all messages of a room, page by page. */
export async function readAll(isolate: Backplane, room: string): Promise<Message[]> {
  const all: Message[] = [];
  for (let more = true; more;) {
    const page = await isolate.history(room, { after: all.at(-1)?.offset ?? 0, limit: 500 });
    all.push(...page.messages);
    more = page.more;
  }
  return all;
}

/** A page that begins or ends at an offset. */
export type OffsetPage = Exclude<PageRequest, { readonly since: number }>;

/** Builds the expected page of a room that retains `first` to `head`. */
export function expectedOutline(
  request: OffsetPage,
  { head, first }: { head: number; first: number },
): PageOutline {
  const retained = range(first, head);
  if ("after" in request) {
    const candidates = retained.filter((offset) => offset > request.after);
    const offsets = candidates.slice(0, request.limit);
    return { head, first, offsets, more: candidates.length > offsets.length };
  }
  const candidates = retained.filter((offset) => offset < request.before);
  const offsets = candidates.slice(-request.limit);
  return { head, first, offsets, more: candidates.length > offsets.length };
}
