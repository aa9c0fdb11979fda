import type { RunningServer } from "../harness/program.ts";
import { issueTokens } from "../harness/tokens.ts";
import { type Line, type Measured, toLine } from "../report.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { roomUrl, startLoad } from "./measured_load.ts";
import {
  MANY_MEMBERS,
  measureMembers,
  type MemberRound,
  MEMBERS,
  type MemberSides,
} from "./members_round.ts";
import { figuresOf, type JoinTarget, type Peer, prepareInformationalPeers } from "./peers.ts";

const ISOLATE_MEGABYTES = 256;
const TARGET = 1.5;
/** Limited, because memory varies little between rounds, and a round is long. */
const MAX_ROUNDS = 3;
/** Long enough that no member has to ping during a round. */
const HEARTBEAT_MS = 140_000;

const MEGABYTE = 1_024 ** 2;

/**
 * Measures the memory of an idle member, each another user, in rooms of 100; and of 8,000 members,
 * which have to fit in an isolate.
 */
export async function benchMembers(context: CaseContext): Promise<Line[]> {
  const sides = await prepareSides(context);
  const tokens = await issueTokens(context.issuer, MANY_MEMBERS);
  await using load = await startLoad();
  const rounds: MemberRound[] = [];
  for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
    const measured = await measureMembers(sides, load, tokens);
    rounds.push(measured);
    const texts = [...measured.peerFigures].map(([name, kilobytes]) => `${name} ${kilobytes.toFixed(1)}`);
    context.progress(
      `round ${round}: ${texts.join(", ")} KB a member; ` +
        `ours with ${MANY_MEMBERS}: ${(measured.withMany / MEGABYTE).toFixed(0)} MB in all`,
    );
  }
  return linesOf(rounds, sides, context.deno.version);
}

async function prepareSides(context: CaseContext): Promise<MemberSides> {
  const env = { ...context.ours.env, HEARTBEAT_MS: String(HEARTBEAT_MS) };
  const url = (server: RunningServer, { room, token }: JoinTarget): string => roomUrl(server, room, token);
  const program = await context.prepare({ ...context.ours, env });
  const raw = await context.prepare(benchProgram("raw", "peers/raw_room.ts"));
  return {
    ours: { label: "ours", program, dialect: "rooms.v1", url },
    raw: { label: "raw Deno", program: raw, dialect: "relay", url },
    informational: await prepareInformationalPeers(context, "room", ["hono", "ws", "socketIo", "bun"]),
  };
}

function linesOf(
  rounds: readonly MemberRound[],
  { ours, raw, informational }: MemberSides,
  deno: string,
): Line[] {
  const megabytes = (bytes: number): number => bytes / MEGABYTE;
  const perMember = ({ label }: Peer): Measured => ({
    case: "members",
    deno,
    figure: `memory per idle member at ${MEMBERS}`,
    unit: "KB",
    ours: figuresOf(rounds, ours.label),
    peerName: label,
    peer: figuresOf(rounds, label),
  });
  const many = toLine({
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
  });
  return [
    toLine({ ...perMember(raw), target: TARGET }),
    many,
    ...informational.map((peer) => toLine(perMember(peer))),
  ];
}
