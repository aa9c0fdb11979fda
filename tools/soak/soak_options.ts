import { parseArgs } from "node:util";
import { SESSIONS } from "./churn/sessions.ts";
import { parseDuration } from "../support/quantities.ts";
import { type BackplaneName, BACKPLANES } from "../support/backplane_store.ts";

/** Scenarios of the soak. */
const SCENARIOS = ["turnover", "kill1000", "churn"] as const;
type ScenarioName = (typeof SCENARIOS)[number];

/** Options of the command line; times are in milliseconds. */
export interface SoakOptions {
  readonly scenario: ScenarioName;
  readonly runMs: number;
  readonly clients: number;
  readonly rooms: number;
  /** Rooms of each client, on one socket; null if each client has one room on its own socket. */
  readonly roomsPerSocket: number | null;
  /** Number of clients that enter presence, evenly distributed. */
  readonly present: number;
  /** Backplanes to run with, one after the other. */
  readonly backplanes: readonly BackplaneName[];
  readonly seed: number;
  readonly json: string | undefined;
  /** Number of isolates that take new connections. */
  readonly isolates: number;
  readonly wallMs: number;
  /** CPU limit of an isolate. */
  readonly cpuMs: number;
  /** Messages per second over all clients; sessions per second with `churn`. */
  readonly rate: number;
  /**
   * Periods of killing an isolate without a warning, and of cutting connections to the store; 0 for
   * never.
   */
  readonly killEveryMs: number;
  readonly cutEveryMs: number;
  /** Longest allowed absence of a client after the kill of `kill1000`. */
  readonly backWithinMs: number;
  /** Number of load processes. */
  readonly processes: number;
  /** Entry of the function, and the path of its rooms. */
  readonly entry: URL;
  readonly path: string;
  /** Deno binary of the isolates; undefined selects the hosted runtime's version. */
  readonly deno: string | undefined;
  /** Session scripts that `churn` skips. */
  readonly without: readonly string[];
  /** Additional variables of the function. */
  readonly env: Readonly<Record<string, string>>;
}

export const USAGE = `deno task soak [options]
  --scenario turnover        isolates start and end while clients publish (default), or
             kill1000        an isolate with 1,000 members in one room is killed, or
             churn           memory of one process while members join and leave (Linux)
  --minutes 10               duration of publishing (60 with churn)
  --clients 300 --rooms 30   number of clients, and of their rooms
  --rooms-per-socket 20      each client has this many rooms on one shared connection
  --present 300              number of clients in presence (default: all; 50 with kill1000)
  --backplane postgres,redis one run with each, on its own server
  --isolates 3               number of isolates that take new connections
  --wall 10s                 lifetime of an isolate
  --cpu 2s                   CPU limit of an isolate (default: 2s; 60m with kill1000)
  --rate 100                 messages per second over all clients; sessions per second with churn (15)
  --kill-every 15s           mean period of killing a random isolate without a warning; 0: never
  --cut-every 20s            mean period of cutting connections to the store; 0: never
  --back-within 5s           longest allowed absence after the kill of kill1000
  --processes 2              number of load processes
  --function path/index.ts   entry of the function (default: this project's)
  --path /realtime/rooms     path of the rooms
  --deno path                Deno binary of the isolates (default: 2.1.4, the hosted runtime's)
  --env NAME=VALUE           variable of the function; repeatable
  --without NAME             session that churn skips; repeatable:
                             ${Object.keys(SESSIONS).join("\n                             ")}
  --seed n                   seed of all random choices (default: random, printed at the start)
  --json out.json            writes every figure to this file
churn reads --minutes, --rate, --without, --seed and --json only.
Exit status: 0 if every promise was kept and memory is flat, 1 if not, 2 for wrong options.`;

/** Defaults that differ between scenarios. */
const DEFAULTS: Readonly<Record<ScenarioName, { readonly minutes: string; readonly rate: string }>> = {
  turnover: { minutes: "10", rate: "100" },
  kill1000: { minutes: "0.5", rate: "5" },
  churn: { minutes: "60", rate: "15" },
};
const DEFAULT_ENTRY = new URL("../../supabase/functions/realtime/index.ts", import.meta.url);

/** Parses the command line. @throws {Error} naming the wrong option */
export function parseOptions(args: string[]): SoakOptions {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: "string", default: "turnover" },
      minutes: { type: "string" },
      clients: { type: "string" },
      rooms: { type: "string" },
      "rooms-per-socket": { type: "string" },
      present: { type: "string" },
      backplane: { type: "string", default: BACKPLANES.join() },
      isolates: { type: "string" },
      wall: { type: "string" },
      cpu: { type: "string" },
      rate: { type: "string" },
      "kill-every": { type: "string", default: "15s" },
      "cut-every": { type: "string", default: "20s" },
      "back-within": { type: "string", default: "5s" },
      processes: { type: "string", default: "2" },
      function: { type: "string" },
      path: { type: "string", default: "/realtime/rooms" },
      deno: { type: "string" },
      env: { type: "string", multiple: true, default: [] },
      without: { type: "string", multiple: true, default: [] },
      seed: { type: "string", default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
      json: { type: "string" },
    },
  });
  const scenario = SCENARIOS.find((name) => name === values.scenario);
  if (!scenario) throw new Error(`--scenario takes ${SCENARIOS.join(", ")}, not ${values.scenario}`);
  const isKill = scenario === "kill1000";
  const { minutes: defaultMinutes, rate: defaultRate } = DEFAULTS[scenario];
  const minutes = number("--minutes", values.minutes ?? defaultMinutes, 0.05, 1_440);
  const clients = whole("--clients", values.clients ?? (isKill ? "1000" : "300"), 2, 20_000);
  const rooms = whole("--rooms", values.rooms ?? (isKill ? "1" : "30"), 1, 10_000);
  const perSocket = values["rooms-per-socket"];
  return {
    scenario,
    runMs: minutes * 60_000,
    clients,
    present: whole(
      "--present",
      values.present ?? String(isKill ? Math.min(50, clients) : clients),
      0,
      clients,
    ),
    rooms,
    // A connection is in a room once.
    roomsPerSocket: perSocket === undefined ? null : whole("--rooms-per-socket", perSocket, 1, rooms),
    backplanes: values.backplane.split(",").map(backplane),
    seed: whole("--seed", values.seed, 0, 2 ** 32 - 1),
    json: values.json,
    isolates: whole("--isolates", values.isolates ?? (isKill ? "1" : "3"), 1, 32),
    wallMs: parseDuration("--wall", values.wall ?? (isKill ? "10m" : "10s")),
    cpuMs: parseDuration("--cpu", values.cpu ?? (isKill ? "60m" : "2s")),
    rate: number("--rate", values.rate ?? defaultRate, 0.1, 10_000),
    killEveryMs: parsePeriod("--kill-every", values["kill-every"]),
    cutEveryMs: parsePeriod("--cut-every", values["cut-every"]),
    backWithinMs: parseDuration("--back-within", values["back-within"]),
    processes: whole("--processes", values.processes, 1, 16),
    entry: values.function === undefined
      ? DEFAULT_ENTRY
      : new URL(`file://${Deno.realPathSync(values.function)}`),
    path: values.path.replace(/\/$/, ""),
    deno: values.deno,
    without: values.without.map(parseSession),
    env: Object.fromEntries(values.env.map(variable)),
  };
}

/** Parses a duration; 0 means never. */
function parsePeriod(option: string, text: string): number {
  return text === "0" ? 0 : parseDuration(option, text);
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text === "" || !(value >= min && value <= max)) {
    throw new Error(`${name} takes ${min} to ${max}, not ${text}`);
  }
  return value;
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = number(name, text, min, max);
  if (!Number.isInteger(value)) throw new Error(`${name} takes a whole number, not ${text}`);
  return value;
}

function backplane(text: string): BackplaneName {
  const name = BACKPLANES.find((known) => known === text);
  if (!name) {
    throw new Error(`--backplane takes ${BACKPLANES.join(", ")} or several with commas, not ${text}`);
  }
  return name;
}

function parseSession(text: string): string {
  if (Object.hasOwn(SESSIONS, text)) return text;
  throw new Error(`--without takes ${Object.keys(SESSIONS).join(", ")}, not ${text}`);
}

function variable(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`--env takes NAME=VALUE, not ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
