import type { Page, PageRequest, Retention } from "../contract.ts";
import { hasMore } from "../has_more.ts";
import { escapeText } from "../wire/wire_text.ts";
import type { Database } from "./database.ts";
import { parseMessages } from "./postgres_records.ts";
import { MAX_PAGE_BYTES } from "./statements.ts";

const STATEMENT =
  "select * from rooms.page($1, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint)";

/** The key's order ends the scan at the first message that is not older. */
const FIRST_SINCE = `select m."offset" from rooms.rooms r join rooms.messages m on m.room_id = r.id
  where r.channel = rooms.channel_of($1) and m."offset" > r.head - $2::bigint and m.at >= $3::bigint
  order by m."offset" limit 1`;

/** Reads a page of a room's history; see `Backplane.history`. */
export async function readPage(
  database: Database,
  retention: Retention,
  room: string,
  page: PageRequest,
): Promise<Page> {
  const { messages: maxMessages, ageMs } = retention;
  if ("since" in page) {
    const parameters = [escapeText(room), maxMessages, Math.floor(page.since)];
    const [found] = await database.read<{ offset: string }>(FIRST_SINCE, parameters);
    const after = found ? Number(found.offset) - 1 : Number.MAX_SAFE_INTEGER;
    return await readPage(database, retention, room, { after, limit: page.limit });
  }
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
