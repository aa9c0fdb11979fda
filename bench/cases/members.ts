import { residentBytes } from "../harness/memory.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { issueTokens } from "../harness/tokens.ts";
import type { WorkerProcess } from "../harness/worker_process.ts";
import type { DialectName } from "../load/dialect.ts";
import { type Line, toLine } from "../report.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { ask, roomUrl, startLoad } from "./load_process.ts";

const ROOM_SIZE = 100;
/** What a process allocates with its first members is not theirs. */
const FIRST_MEMBERS = ROOM_SIZE;
const MEMBERS = 4_000;
const MANY_MEMBERS = 8_000;
const ISOLATE_MEGABYTES = 256;
const TARGET = 1.5;
/** Memory varies little from round to round, and a round is long. */
const MAX_ROUNDS = 3;
/** After joining; V8 tidies up some eight seconds after it has become quiet, if it does. */
const SETTLE_MS = { first: 1_000, all: 4_000, many: 12_000 } as const;
const CONCURRENCY = 20;
/** So long that no member has to show itself in a round. */
const HEARTBEAT_MS = 140_000;

const KILOBYTE = 1_024;

const SIDES = ["ours", "raw"] as const;
type Side = (typeof SIDES)[number];
const DIALECTS: Record<Side, DialectName> = { ours: "rooms.v1", raw: "relay" };

interface Round {
  /** KB a member. */
  readonly ours: number;
  readonly raw: number;
  /** Resident bytes of ours before the first member, and with 8,000. */
  readonly atStart: number;
  readonly withMany: number;
}

/** Memory of a room member who does nothing, each another user, in rooms of 100; and whether 8,000 fit in an isolate. */
export async function benchMembers(context: CaseContext): Promise<Line[]> {
  const env = { ...context.ours.env, HEARTBEAT_MS: String(HEARTBEAT_MS) };
  const programs = {
    ours: await context.prepare({ ...context.ours, env }),
    raw: await context.prepare(benchProgram("raw", "peers/raw_room.ts")),
  };
  const tokens = await issueTokens(context.issuer, MANY_MEMBERS);
  await using load = await startLoad();
  const rounds: Round[] = [];
  for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
    const measured = await measureRound(programs, load, tokens);
    rounds.push(measured);
    context.progress(
      `round ${round}: ours ${measured.ours.toFixed(1)}, raw ${measured.raw.toFixed(1)} KB a member; ` +
        `ours with ${MANY_MEMBERS}: ${(measured.withMany / KILOBYTE ** 2).toFixed(0)} MB in all`,
    );
  }
  return linesOf(rounds, context.deno.version);
}

async function measureRound(
  programs: Record<Side, PreparedProgram>,
  load: WorkerProcess,
  tokens: readonly string[],
): Promise<Round> {
  await using ours = await startServer(programs.ours);
  await using raw = await startServer(programs.raw);
  const join = async (group: Side, from: number, to: number): Promise<void> => {
    const server = group === "ours" ? ours : raw;
    const urls = tokens.slice(from, to).map((token, index) =>
      roomUrl(server, `bench-${Math.floor((from + index) / ROOM_SIZE)}`, token)
    );
    await ask(load, { type: "open", group, concurrency: CONCURRENCY, urls, dialect: DIALECTS[group] });
  };
  const resident = (): Record<Side, number> => ({
    ours: residentBytes(ours.pid),
    raw: residentBytes(raw.pid),
  });
  await pause(SETTLE_MS.first);
  const atStart = resident().ours;
  for (const side of SIDES) await join(side, 0, FIRST_MEMBERS);
  await pause(SETTLE_MS.first);
  const withFirst = resident();
  for (const side of SIDES) await join(side, FIRST_MEMBERS, MEMBERS);
  await pause(SETTLE_MS.all);
  const withAll = resident();
  await join("ours", MEMBERS, MANY_MEMBERS);
  await pause(SETTLE_MS.many);
  const withMany = resident().ours;
  for (const group of SIDES) await ask(load, { type: "close", group });
  const perMember = (side: Side): number =>
    (withAll[side] - withFirst[side]) / (MEMBERS - FIRST_MEMBERS) / KILOBYTE;
  return { ours: perMember("ours"), raw: perMember("raw"), atStart, withMany };
}

function linesOf(rounds: readonly Round[], deno: string): Line[] {
  const megabytes = (bytes: number): number => bytes / KILOBYTE ** 2;
  return [
    toLine({
      case: "members",
      deno,
      figure: `memory per idle member at ${MEMBERS}`,
      unit: "KB",
      ours: rounds.map(({ ours }) => ours),
      peerName: "raw Deno",
      peer: rounds.map(({ raw }) => raw),
      target: TARGET,
    }),
    toLine({
      case: "members",
      deno,
      figure: `memory of ${MANY_MEMBERS} idle members`,
      unit: "MB",
      ours: rounds.map(({ atStart, withMany }) => megabytes(withMany - atStart)),
      peerName: "an isolate's memory",
      peer: rounds.map(() => ISOLATE_MEGABYTES),
      target: 1,
      details: {
        "ours: MB before the first member": rounds.map(({ atStart }) => megabytes(atStart)),
        "ours: MB in all": rounds.map(({ withMany }) => megabytes(withMany)),
      },
    }),
  ];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
