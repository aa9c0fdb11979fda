import type { Page, PageRequest, Retention } from "../contract.ts";
import { hasMore } from "../has_more.ts";
import { escapeText } from "../wire/wire_text.ts";
import type { Database } from "./database.ts";
import { parseMessages } from "./postgres_records.ts";
import { MAX_PAGE_BYTES } from "./statements.ts";

const STATEMENT =
  "select * from rooms.page($1, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint)";

/** Reads a page of a room's history; see `Backplane.history`. */
export async function readPage(
  database: Database,
  retention: Retention,
  room: string,
  page: PageRequest,
): Promise<Page> {
  const { messages: maxMessages, ageMs } = retention;
  const [row] = await database.read<{
    epoch: string;
    head: string;
    first: string;
    messages: string | null;
  }>(STATEMENT, [
    escapeText(room),
    "after" in page ? page.after : null,
    "before" in page ? page.before : null,
    page.limit,
    maxMessages,
    ageMs,
    MAX_PAGE_BYTES,
  ]);
  if (!row) throw new Error("Postgres returned no page.");
  const [head, first, messages] = [Number(row.head), Number(row.first), parseMessages(row.messages)];
  const read = { epoch: row.epoch, head, first, messages };
  return { ...read, more: hasMore(page, read) };
}
