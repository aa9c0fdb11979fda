/**
 * Measures the cost of many members that enter presence in one room: `deno run -A --frozen
 * tools/bench/presence_cost.ts [options]`. The clients only count frames, so that the server is the
 * bottleneck.
 */
import { parseArgs } from "node:util";
import { CpuClock } from "../support/processes/cpu_clock.ts";
import { SocketLoop } from "./load/socket_loop.ts";
import { startFunctionProcess } from "../support/processes/function_process.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { summarizeDurations } from "../support/durations.ts";
import { PresenceMember } from "./load/presence_member.ts";
import { BACKPLANES, startStore } from "../support/backplane_store.ts";

const USAGE = `deno run -A --frozen tools/bench/presence_cost.ts [options]
  --members 1000             members of the room; each connects, enters presence and stays connected
  --seconds 10               duration over which the members connect evenly
  --backplane memory         memory, postgres or redis
  --rounds 3                 number of rounds, each with a new server
  --function path/index.ts   entry of the function (default: this project's)
  --deno path                Deno binary of the function (default: this one)`;

const TIMEOUT_MS = 180_000;
/**
 * Limit of members between the connect and the ack of presence, so that an overloaded server gets
 * no more.
 */
const MAX_JOINING = 50;

const { values } = parseArgs({
  options: {
    members: { type: "string", default: "1000" },
    seconds: { type: "string", default: "10" },
    backplane: { type: "string", default: "memory" },
    rounds: { type: "string", default: "3" },
    function: { type: "string" },
    deno: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  Deno.exit(0);
}
const members = Number(values.members);
const overMs = Number(values.seconds) * 1_000;
const loop = new SocketLoop();

for (let round = 1; round <= Number(values.rounds); round++) {
  const [load] = Deno.loadavg();
  console.log(`${await measure()}, load before ${load?.toFixed(2)}`);
}
Deno.exit(0); // the loop would keep the process

/** Processor time of the store's processes so far, found by their command lines. */
function storeMicros(env: Readonly<Record<string, string>>): number {
  const { port, pathname } = new URL(env["SUPABASE_DB_URL"] ?? env["REDIS_URL"] ?? "none://127.0.0.1:0/none");
  const mark = env["REDIS_URL"] === undefined ? ` ${pathname.slice(1)} ` : `:${port}`;
  let micros = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
      if (/^(postgres|redis-server|\S*\/redis-server)/.test(command) && command.includes(mark)) {
        micros += new CpuClock(Number(name)).micros();
      }
    } catch { /* the process has ended */ }
  }
  return micros;
}

async function measure(): Promise<string> {
  const issuer = await createIssuer();
  const name = BACKPLANES.find((name) => name === values.backplane);
  await using store = name === undefined ? null : await startStore(name);
  await using server = await startFunctionProcess({
    ...(values.function === undefined
      ? {}
      : { entry: new URL(`file://${Deno.realPathSync(values.function)}`) }),
    ...(values.deno === undefined ? {} : { deno: values.deno }),
    env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks), ...store?.env },
  });
  const tokens = await Promise.all(
    Array.from({ length: members }, (_, number) => issuer.token(`user-${number}`)),
  );
  const clock = new CpuClock(server.pid);
  const startMicros = clock.micros();
  const storeStartMicros = storeMicros(store?.env ?? {});
  const startedAt = performance.now();
  const all: PresenceMember[] = [];
  const joining = () => all.reduce((count, { hasEntered }) => count + (hasEntered ? 0 : 1), 0);
  const seen = () => all.reduce((count, { seen }) => count + (seen >= members ? 1 : 0), 0);
  loop.runUntil(
    () => {
      const due = Math.min(members, 1 + (performance.now() - startedAt) / overMs * members);
      for (let free = MAX_JOINING - joining(); all.length < due && free > 0; free--) {
        const token = tokens[all.length];
        const url = `ws://127.0.0.1:${server.port}/realtime/rooms/crowd?token=${token}`;
        all.push(new PresenceMember(loop, new URL(url), `{"member":${all.length}}`));
      }
      return all.length === members && seen() === members;
    },
    TIMEOUT_MS,
    () => `${all.length} connected, ${joining()} of them are not in presence, ${seen()} see all`,
  );
  const wallMs = performance.now() - startedAt;
  const cpuMs = (clock.micros() - startMicros) / 1_000;
  const storeMs = (storeMicros(store?.env ?? {}) - storeStartMicros) / 1_000;
  // Closes are not awaited: the server ends first.
  for (const member of all) member.close();
  const total = (of: (member: PresenceMember) => number) => all.reduce((sum, member) => sum + of(member), 0);
  const { p50, p99, worst } = summarizeDurations(all.map(({ enteredAfterMs }) => enteredAfterMs));
  return `${values.backplane}: all ${members} see all after ${(wallMs / 1_000).toFixed(1)} s; ` +
    `server CPU ${(cpuMs / 1_000).toFixed(2)} s, store's ${(storeMs / 1_000).toFixed(2)} s; ${
      total(({ webSocketMessages }) => webSocketMessages)
    } WebSocket messages, ` +
    `${(total(({ bytes }) => bytes) / 1e6).toFixed(0)} MB; ` +
    `connect to ack ${p50.toFixed(0)} / ${p99.toFixed(0)} / ${worst.toFixed(0)} ms (median, 99 %, worst)`;
}
