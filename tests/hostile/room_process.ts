import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import type { FrameOf } from "../support/room_client.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { ANY_RATE } from "../support/room_client.ts";
import { TcpMember, type TcpMemberOptions } from "../../tools/support/wire/tcp_member.ts";

/** Options of a join. */
export interface ProcessJoin extends TcpMemberOptions {
  /** User of the token, `alice` by default. */
  readonly user?: string;
  /** Query parameters beside the token. */
  readonly query?: Readonly<Record<string, string | number>>;
}

/** The function in its own process, with an issuer that it trusts. `await using` kills it. */
export interface RoomProcess extends AsyncDisposable {
  readonly process: FunctionProcess;
  readonly issuer: Issuer;
  /** Creates a room's URL for a user. */
  url(room: string, join?: ProcessJoin): Promise<string>;
  /** Joins and waits for `welcome`. */
  join(room: string, join?: ProcessJoin): Promise<[TcpMember, FrameOf<"welcome">]>;
  /** Returns the log lines of an event. */
  logged(event: string): readonly Readonly<Record<string, unknown>>[];
  /** Returns the resident memory, in MiB. */
  memoryMiB(): Promise<number>;
  /** Returns the peak of resident memory, in MiB. */
  peakMiB(): Promise<number>;
}

/** True if /proc tells the memory of another process. */
export const CAN_MEASURE = Deno.build.os === "linux";

/**
 * Limits the function's JavaScript heap, so that resident memory shows kept objects rather than
 * uncollected ones. A leak beyond the limit ends the process.
 */
export function heapOf(mebibytes: number): Readonly<Record<string, string>> {
  return { DENO_V8_FLAGS: `--max-old-space-size=${mebibytes}` };
}

/** Starts the function with limits above any test's load; `env` overrides them. */
export async function startRoomProcess(env: Readonly<Record<string, string>> = {}): Promise<RoomProcess> {
  const issuer = await createIssuer();
  const process = await startFunctionProcess({
    env: {
      SUPABASE_JWKS: JSON.stringify(issuer.jwks),
      LOG_BUDGET: "1000000",
      MAX_CONNECTIONS_PER_USER: "10000",
      ...ANY_RATE,
      ...env,
    },
  });

  const tokens = new Map<string, string>();

  async function url(room: string, { user = "alice", query = {} }: ProcessJoin = {}): Promise<string> {
    const token = tokens.get(user) ?? await issuer.token(user);
    tokens.set(user, token);
    const parameters = Object.entries({ ...query, token })
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return `ws://127.0.0.1:${process.port}/realtime/rooms/${room}?${parameters.join("&")}`;
  }

  return {
    process,
    issuer,
    url,
    join: async (room, join) => await TcpMember.join(await url(room, join), join),
    logged: (event) => process.stdout.flatMap((line) => parseLine(line, event)),
    memoryMiB: () => readStatus(process.pid, "VmRSS"),
    peakMiB: () => readStatus(process.pid, "VmHWM"),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Prints a figure of a passing test. */
export function report(figure: string): void {
  console.log(`    ${figure}`);
}

async function readStatus(pid: number, name: string): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`There is no ${name} of process ${pid}.`);
  return Math.round(Number(kibibytes) / 1024);
}

function parseLine(line: string, event: string): Readonly<Record<string, unknown>>[] {
  if (!line.includes(`"event":"${event}"`)) return [];
  return [JSON.parse(line)];
}
