/**
 * Measures 20 rooms on one socket against 20 sockets: `deno run -A --frozen
 * tools/bench/many_rooms.ts [--rounds 3] [--clients 25]`. Prints the server's memory and CPU to open
 * them, and its CPU for 1,000 messages to all clients, with the ratio of the same round.
 */
import { parseArgs } from "node:util";
import { delay } from "@std/async";
import { connect, createConnection, type Room } from "../../packages/client/mod.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { CpuClock } from "../support/processes/cpu_clock.ts";
import { startFunctionProcess } from "../support/processes/function_process.ts";
import { residentBytes } from "../support/processes/resident_memory.ts";
import { pairedRatios, spreadOf, spreadText } from "./report/spread.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, clients: { type: "string", default: "25" } },
});
const ROUNDS = Number(values.rounds);
const CLIENTS = Number(values.clients);
const ROOMS = 20;
const MESSAGES = 1_000;
/** Time in which the server settles after the opens, in milliseconds. */
const SETTLE_MS = 3_000;

/** Opens all rooms of one user. */
type Open = (base: string, token: () => Promise<string>) => Room<Record<string, unknown>>[];

const roomNames = Array.from({ length: ROOMS }, (_, index) => `bench-${index}`);
const SIDES: Readonly<Record<"shared" | "own", Open>> = {
  shared(base, token) {
    const connection = createConnection(base, { token });
    return roomNames.map((name) => connection.room(name));
  },
  own: (base, token) => roomNames.map((name) => connect(`${base}/rooms/${name}`, { token })),
};

const FIGURES = ["memoryKilobytes", "openMillis", "messageMillis"] as const;
type Costs = Readonly<Record<(typeof FIGURES)[number], number>>;

/** Measures a new server. */
async function measure(open: Open, issuer: Issuer): Promise<Costs> {
  await using server = await startFunctionProcess({
    env: {
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
      FRAMES_PER_SECOND: "100000",
      FRAMES_BURST: "100000",
      MAX_CONNECTIONS: "10000",
    },
  });
  const base = `http://127.0.0.1:${server.port}/realtime`;
  const join = async (user: string) => {
    const rooms = open(base, () => issuer.token(user));
    await Promise.all(rooms.map((room) => room.live()));
    return rooms;
  };
  // The first member loads code and memory that is not its own.
  const first = await join("first");
  await delay(SETTLE_MS);
  const cpu = new CpuClock(server.pid);
  const [memoryBefore, cpuBefore] = [residentBytes(server.pid), cpu.micros()];
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => join(`user-${index}`)));
  const openMillis = (cpu.micros() - cpuBefore) / 1_000;
  await delay(SETTLE_MS);
  const memoryKilobytes = (residentBytes(server.pid) - memoryBefore) / 1_024;
  let left = CLIENTS * MESSAGES;
  const delivered = Promise.withResolvers<void>();
  for (const room of clients.flat()) {
    room.on("message", () => {
      if (--left === 0) delivered.resolve();
    });
  }
  const cpuAtMessages = cpu.micros();
  for (let index = 0; index < MESSAGES / ROOMS; index++) {
    // One message for each room at a time.
    await Promise.all(first.map((room) => room.publish("chat", { index })));
  }
  await delivered.promise;
  const messageMillis = (cpu.micros() - cpuAtMessages) / 1_000;
  return { memoryKilobytes, openMillis, messageMillis };
}

const issuer = await createIssuer();
const costs: Record<keyof typeof SIDES, Costs[]> = { shared: [], own: [] };
for (let round = 0; round < ROUNDS; round++) {
  const sides = round % 2 === 0 ? ["shared", "own"] as const : ["own", "shared"] as const;
  for (const side of sides) {
    const cost = await measure(SIDES[side], issuer);
    costs[side].push(cost);
    console.log(`round ${round + 1}, ${side}: ${JSON.stringify(cost)}`);
  }
}
console.log(`${CLIENTS} clients in ${ROOMS} rooms: one socket each, ${ROOMS} sockets each, ratio`);
for (const figure of FIGURES) {
  const [shared, own] = [costs.shared, costs.own].map((all) => all.map((cost) => cost[figure])) as [
    number[],
    number[],
  ];
  const [one, other, ratio] = [shared, own, pairedRatios(shared, own)].map((all) =>
    spreadText(spreadOf(all))
  );
  console.log(`${figure}: ${one}, ${other}, ${ratio}`);
}
Deno.exit(0);
