import type { Database } from "./database.ts";
import type { ResolvedOptions } from "./postgres_options.ts";

/** A row if the last walk over all rooms is complete and began within this time. */
const IS_TRIMMED = `
with clock as materialized (select rooms.now_ms() as now)
select from rooms.trimming, clock
where room_id is null and now between started_at and started_at + $1::bigint - 1`;

/** Options of trimming: limits of what is kept, and the time that it may take. */
type TrimOptions = Pick<ResolvedOptions, "retention" | "unusedRoomMs" | "trimMs" | "trimBudgetMs" | "now">;

/**
 * Deletes everything that nothing needs any more, in steps, until it is done, `trimBudgetMs` is
 * used up or `isClosing`. Resolves with the number of deleted messages, or with undefined if
 * another isolate is trimming, or began to within half of `trimMs`.
 */
export async function trimRooms(
  database: Database,
  { retention, unusedRoomMs, trimMs, trimBudgetMs, now }: TrimOptions,
  isClosing: () => boolean,
): Promise<number | undefined> {
  const { messages, ageMs, dedupeMs } = retention;
  const everyMs = Math.round(trimMs / 2);
  const [fresh] = await database.read(IS_TRIMMED, [everyMs]);
  if (fresh) return undefined;
  const endsAt = now() + trimBudgetMs;
  let total: number | undefined;
  do {
    const [row] = await database.maintain<{ deleted: string; is_last: boolean }>(
      "select * from rooms.trim_step($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint)",
      [messages, ageMs, dedupeMs, unusedRoomMs, everyMs],
    );
    if (!row) break;
    total = (total ?? 0) + Number(row.deleted);
    if (row.is_last) break;
  } while (now() < endsAt && !isClosing());
  return total;
}
