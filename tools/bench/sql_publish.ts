/**
 * Measures what `rooms.publish()` in a row trigger costs its writers, and how soon its messages are
 * delivered: `deno run -A --frozen tools/bench/sql_publish.ts [--seconds 10] [--rounds 3]`. Needs
 * `pgbench` in the path. Postgres writes to the disk, as in production.
 */
import { parseArgs } from "node:util";
import { createPostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres/database.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { summarizeDurations } from "../support/durations.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, rounds: { type: "string", default: "3" } },
});

/** Number of rooms that rows go to. */
const ROOMS = 100;
/** Durable messages per second of members of each busy isolate. */
const MEMBER_RATE = 50;

const TABLES = `
create table plain (room int, at timestamptz);
create table announced (room int, at timestamptz);
create function announce() returns trigger language plpgsql as $$
begin
  perform rooms.publish('rooms/' || new.room, 'row', to_jsonb((extract(epoch from clock_timestamp()) * 1000)::bigint));
  return null;
end $$;
create trigger announced after insert on announced for each row execute function announce();
`;

/** A way of writing, and the isolates that run meanwhile. */
interface Case {
  readonly name: string;
  readonly isolates: number;
  readonly script: (table: string) => string;
}

const insert = (table: string, room: string) => `insert into ${table} values (${room}, now());`;
const anyRoom = (table: string) => `\\set room random(1, ${ROOMS})\n${insert(table, ":room")}\n`;
const slow = (table: string) => `begin;\n${insert(table, "1")}\nselect pg_sleep(0.01);\ncommit;\n`;

const CASES: readonly Case[] = [
  { name: "no isolate", isolates: 0, script: anyRoom },
  { name: "one isolate", isolates: 1, script: anyRoom },
  { name: "six busy isolates", isolates: 6, script: anyRoom },
  { name: "10 ms transactions, one room", isolates: 1, script: slow },
];

/** Runs pgbench with eight clients; returns transactions per second. */
async function writersRate(url: string, script: string): Promise<number> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, script);
    const args = ["-n", "-c", "8", "-j", "2", "-T", values.seconds, "-M", "prepared", "-f", file, url];
    const { stdout, stderr } = await new Deno.Command("pgbench", { args }).output();
    const rate = new TextDecoder().decode(stdout).match(/tps = ([\d.]+)/)?.[1];
    if (rate === undefined) throw new Error(new TextDecoder().decode(stderr));
    return Number(rate);
  } finally {
    await Deno.remove(file);
  }
}

/** Isolates whose members listen to every room, and publish if there are several isolates. */
async function startIsolates(url: string, count: number, delays: number[]): Promise<AsyncDisposable> {
  const isolates = Array.from({ length: count }, () =>
    createPostgresBackplane({
      url,
      retention: { messages: 1_000, ageMs: 3_600_000, dedupeMs: 300_000 },
      graceMs: 1_000,
      onDeliverError: console.error,
      onEvent: () => {},
    }));
  for (const [index, isolate] of isolates.entries()) {
    for (let room = 1; room <= ROOMS; room++) {
      await isolate.subscribe(`rooms/${room}`, (change) => {
        if (index > 0 || change.type !== "messages") return;
        const now = Date.now();
        for (const { event, data } of change.messages) if (event === "row") delays.push(now - Number(data));
      });
    }
  }
  let sent = 0;
  const publishing = setInterval(() => {
    for (const isolate of count > 1 ? isolates : []) {
      const draft = { id: `m${sent++}`, event: "chat", data: "1", from: { user: "member" } };
      isolate.publish(`rooms/${1 + sent % ROOMS}`, [draft]).catch(() => {/* the isolate closes */});
    }
  }, 1_000 / MEMBER_RATE);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(publishing);
      await Promise.all(isolates.map((isolate) => isolate.close()));
    },
  };
}

async function measure(database: TestDatabase, { name, isolates, script }: Case): Promise<void> {
  const delays: number[] = [];
  await using _isolates = await startIsolates(database.url, isolates, delays);
  const plain = await writersRate(database.url, script("plain"));
  const announced = await writersRate(database.url, script("announced"));
  const { p50, p99 } = summarizeDurations(delays.length > 0 ? delays : [0]);
  const [row] = await database.sql`select count(*)::int as count from rooms.staged`;
  console.log(
    `| ${name} | ${plain.toFixed(0)} | ${announced.toFixed(0)} | ${(announced / plain).toFixed(2)} | ` +
      `${isolates > 0 ? `${p50.toFixed(0)} | ${p99.toFixed(0)}` : " | "} | ${row?.["count"]} |`,
  );
}

const server = await PostgresServer.start(["fsync=on", "full_page_writes=on"]);
console.log("| case | plain tps | publishing tps | ratio | delivery p50 ms | p99 ms | staged at the end |");
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const each of CASES) {
    await using database = await createTestDatabase({ server: server.url });
    await database.sql.unsafe(TABLES);
    await measure(database, each);
  }
}
await server.stop("immediate");
