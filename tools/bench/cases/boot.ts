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

/** What a process does first, and the target of its CPU time. */
const FIRSTS = [
  { what: "first answer", target: 0.95 },
  { what: "first member", target: 1.10 },
] as const;
type First = (typeof FIRSTS)[number]["what"];

/** Measured server. */
interface Booted {
  readonly label: "ours" | "example";
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
  const exampleEnv = {
    SUPABASE_URL: `http://127.0.0.1:${auth.addr.port}`,
    SUPABASE_PUBLISHABLE_KEY: "sb_publishable_bench",
  };
  const servers: readonly Booted[] = [
    {
      label: "ours",
      program: await context.prepare(context.ours),
      member: (port) => [`ws://127.0.0.1:${port}/realtime/rooms/bench?token=${token}`, "rooms.v1"],
    },
    {
      label: "example",
      program: await context.prepare(benchProgram("example", "peers/documentation_example.ts", exampleEnv)),
      member: (port) => [`ws://127.0.0.1:${port}/realtime/echo?jwt=${token}`, "relay"],
    },
  ];
  const boots = new Map<string, Boot[]>();
  for (let count = -WARM_UPS; count < context.rounds * BOOTS_PER_ROUND; count++) {
    for (const { what } of FIRSTS) {
      const texts: string[] = [];
      for (const server of servers) {
        const measured = await boot(server, what);
        texts.push(`${server.label} ${measured.wall.toFixed(0)} ms (CPU ${measured.cpu.toFixed(0)})`);
        const key = `${server.label}, ${what}`;
        if (count >= 0) boots.set(key, [...boots.get(key) ?? [], measured]);
      }
      if (count >= 0) context.progress(`boot ${count + 1} to ${what}: ${texts.join(", ")}`);
    }
  }
  const samples = (label: Booted["label"], what: First, field: keyof Boot): number[] =>
    (boots.get(`${label}, ${what}`) ?? []).map((measured) => measured[field]);
  return FIRSTS.flatMap(({ what, target }) =>
    (["wall", "cpu"] as const).map((field) => ({
      figure: `${field === "cpu" ? "CPU" : "wall"} to ${what}`,
      unit: "ms",
      ours: samples("ours", what, field),
      peerName: "documentation's example",
      peer: samples("example", what, field),
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
