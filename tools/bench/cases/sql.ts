import postgres from "postgres";
import { summarizeDurations } from "../../support/durations.ts";
import type { Measured } from "../report/line.ts";
import { startStore } from "../stores/running_store.ts";
import { openBackplane, publishOne } from "../stores/writers.ts";
import { type CaseContext, isOwnDeno } from "./context.ts";

/** Limited, because a round takes more than a minute. */
const MAX_ROUNDS = 3;
const ROOMS = 100;
const SECONDS = 8;
const RATE_TARGET = 0.5;
const DELIVERY_TARGET_MS = 100;
/** Interval of durable messages of members of each busy isolate. */
const MEMBER_EVERY_MS = 20;

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

const insert = (table: string, room: string) => `insert into ${table} values (${room}, now());`;
const intoAnyRoom = (table: string) => `\\set room random(1, ${ROOMS})\n${insert(table, ":room")}\n`;
const slowly = (table: string) => `begin;\n${insert(table, "1")}\nselect pg_sleep(0.01);\ncommit;\n`;

/** Scripts of the writers, and the isolates that live meanwhile; several of them publish too. */
const WRITERS = [
  { name: "no isolate", isolates: 0, script: intoAnyRoom },
  { name: "one isolate", isolates: 1, script: intoAnyRoom },
  { name: "six isolates that publish", isolates: 6, script: intoAnyRoom },
  { name: "transactions of 10 ms, one room", isolates: 1, script: slowly },
] as const;
type Writers = (typeof WRITERS)[number];

/**
 * Measures what `rooms.publish()` in a row trigger costs its writers, beside the same rows without
 * a trigger, and the time to the delivery. Needs `pgbench`.
 */
export async function benchSql(context: CaseContext): Promise<Measured[]> {
  if (!isOwnDeno(context)) return [];
  const figures: Measured[] = [];
  for (const writers of WRITERS) {
    const plain: number[] = [];
    const announced: number[] = [];
    const deliveries: number[] = [];
    for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
      const measured = await measureRound(writers);
      plain.push(measured.plain);
      announced.push(measured.announced);
      deliveries.push(summarizeDurations(measured.delays).p50);
      context.progress(
        `round ${round}, ${writers.name}: ${plain.at(-1)}, with the trigger ${announced.at(-1)} tps`,
      );
    }
    const figure = `trigger, ${writers.name}`;
    const rates = { unit: "a second", ours: announced, peerName: "no trigger", peer: plain };
    figures.push({ figure: `${figure}: transactions`, ...rates, atLeast: RATE_TARGET });
    if (writers.isolates === 0) continue;
    const peer = deliveries.map(() => DELIVERY_TARGET_MS);
    const times = { unit: "ms", ours: deliveries, peerName: "what is allowed", peer };
    figures.push({ figure: `${figure}: p50 of delivery`, ...times, target: 1 });
  }
  return figures;
}

async function measureRound({ isolates, script }: Writers) {
  await using store = await startStore("postgres", true);
  const sql = postgres(store.url, { max: 1, onnotice: () => {} });
  await sql.unsafe(TABLES);
  await sql.end();
  const delays: number[] = [];
  const backplanes = await Promise.all(
    Array.from({ length: isolates }, () => openBackplane("postgres", store.url)),
  );
  const rooms = Array.from({ length: ROOMS }, (_, at) => `rooms/${at + 1}`);
  for (const [at, backplane] of backplanes.entries()) {
    for (const room of rooms) {
      await backplane.subscribe(room, (change) => {
        if (at > 0 || change.type !== "messages") return;
        const now = Date.now();
        for (const { event, data } of change.messages) if (event === "row") delays.push(now - Number(data));
      });
    }
  }
  let sent = 0;
  const publishing = setInterval(() => {
    for (const backplane of isolates > 1 ? backplanes : []) {
      publishOne(backplane, rooms[sent++ % ROOMS] ?? "").catch(() => {/* the isolate closes */});
    }
  }, MEMBER_EVERY_MS);
  const plain = await writersRate(store.url, script("plain"));
  const announced = await writersRate(store.url, script("announced"));
  clearInterval(publishing);
  await Promise.all(backplanes.map((backplane) => backplane.close()));
  return { plain, announced, delays };
}

/** Runs pgbench with eight clients; returns transactions per second. */
async function writersRate(url: string, script: string): Promise<number> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, script);
    const args = ["-n", "-c", "8", "-j", "2", "-T", String(SECONDS), "-M", "prepared", "-f", file, url];
    const { stdout, stderr } = await new Deno.Command("pgbench", { args }).output();
    const [, rate] = /tps = ([\d.]+)/.exec(new TextDecoder().decode(stdout)) ?? [];
    if (rate === undefined) throw new Error(new TextDecoder().decode(stderr));
    return Number(rate);
  } finally {
    await Deno.remove(file);
  }
}
