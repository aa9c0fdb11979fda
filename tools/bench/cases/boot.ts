import { delay } from "@std/async";
import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { join } from "../harness/join.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import type { DialectName } from "../load/dialect.ts";
import type { Measured } from "../report/line.ts";
import { benchProgram, type CaseContext, issueTokens } from "./context.ts";

const BOOTS_PER_ROUND = 4;
const WARM_UPS = 2;
/** Wait for the kernel to account the time of threads that ran at the answer. */
const SETTLE_MS = 10;

/** First work of a process, and the target of its CPU time. */
const FIRSTS = [
  { what: "first answer", target: 0.95 },
  { what: "first member", target: 1.10 },
] as const;
type First = (typeof FIRSTS)[number]["what"];

/** Measured server. */
interface Booted {
  readonly program: PreparedProgram;
  /** Address and dialect of the first member's socket. */
  readonly member: (port: number) => readonly [url: string, dialect: DialectName];
}

/** Milliseconds from process start. */
interface Boot {
  readonly wall: number;
  readonly cpu: number;
}

/**
 * Measures the time from process start to the first answer, and until the first member has joined,
 * beside the documentation's example, alternately.
 */
export async function benchBoot(context: CaseContext): Promise<Measured[]> {
  const [token = ""] = await issueTokens(context.issuer, 1);
  // The example asks Auth about its member. This one is on loopback and checks nothing.
  await using auth = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ id: crypto.randomUUID(), aud: "authenticated", role: "authenticated" }),
  );
  const ours: Booted = {
    program: await context.prepare(context.ours),
    member: (port) => [`ws://127.0.0.1:${port}/realtime/rooms/bench?token=${token}`, "rooms.v1"],
  };
  const exampleEnv = {
    SUPABASE_URL: `http://127.0.0.1:${auth.addr.port}`,
    SUPABASE_PUBLISHABLE_KEY: "sb_publishable_bench",
  };
  const example: Booted = {
    program: await context.prepare(benchProgram("example", "peers/documentation_example.ts", exampleEnv)),
    member: (port) => [`ws://127.0.0.1:${port}/realtime/echo?jwt=${token}`, "relay"],
  };
  const samples = FIRSTS.map((first) => ({ ...first, ours: [] as Boot[], peer: [] as Boot[] }));
  for (let count = -WARM_UPS; count < context.rounds * BOOTS_PER_ROUND; count++) {
    for (const { what, ...boots } of samples) {
      const [own, other] = [await boot(ours, what), await boot(example, what)];
      if (count < 0) continue;
      boots.ours.push(own);
      boots.peer.push(other);
      const text = ({ wall, cpu }: Boot) => `${wall.toFixed(0)} ms (CPU ${cpu.toFixed(0)})`;
      context.progress(`boot ${count + 1} to ${what}: ours ${text(own)}, example ${text(other)}`);
    }
  }
  return samples.flatMap(({ what, target, ours, peer }) =>
    (["wall", "cpu"] as const).map((field) => ({
      figure: `${field === "cpu" ? "CPU" : "wall"} to ${what}`,
      unit: "ms",
      ours: ours.map((boot) => boot[field]),
      peerName: "documentation's example",
      peer: peer.map((boot) => boot[field]),
      target: field === "cpu" ? target : undefined,
    }))
  );
}

async function boot({ program, member }: Booted, what: First): Promise<Boot> {
  const startedAt = performance.now();
  await using server = await startServer(program);
  if (what === "first member") await join(...member(server.port));
  else {
    const response = await fetch(`http://127.0.0.1:${server.port}/realtime/health`);
    await response.text();
    if (!response.ok) {
      throw new Error(`${program.name} answers /realtime/health with HTTP ${response.status}`);
    }
  }
  const wall = performance.now() - startedAt;
  await delay(SETTLE_MS);
  return { wall, cpu: new CpuClock(server.pid).micros() / 1_000 };
}
