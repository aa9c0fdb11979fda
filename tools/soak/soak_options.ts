import { parseArgs } from "node:util";
import { VISITORS } from "./churn/visits.ts";
import { parseDuration } from "../support/quantities.ts";
import { type BackplaneName, BACKPLANES } from "../support/backplane_store.ts";

/** Scenarios of the soak. */
export const SCENARIOS = ["turnover", "kill1000", "churn"] as const;
/** The name of one. */
export type ScenarioName = (typeof SCENARIOS)[number];

/** Options of the command line; times are in milliseconds. */
export interface SoakOptions {
  readonly scenario: ScenarioName;
  readonly runMs: number;
  readonly clients: number;
  readonly rooms: number;
  /** Of the clients, so many enter presence, evenly spread. */
  readonly present: number;
  /** One run with each, in turn. */
  readonly backplanes: readonly BackplaneName[];
  readonly seed: number;
  readonly json: string | undefined;
  /** Isolates that take new connections at a time. */
  readonly isolates: number;
  readonly wallMs: number;
  /** CPU that an isolate may use. */
  readonly cpuMs: number;
  /** Messages published a second, all clients together; visits a second with `churn`. */
  readonly rate: number;
  /** An isolate is killed without a warning, and connections to the database are cut, once in so long; 0: never. */
  readonly killEveryMs: number;
  readonly cutEveryMs: number;
  /** How long a client may be away from its room after the kill of `kill1000`. */
  readonly backWithinMs: number;
  /** Processes that the clients are spread over. */
  readonly processes: number;
  /** The function's index.ts, and where its rooms are. */
  readonly entry: URL;
  readonly path: string;
  /** Deno binary of the isolates; undefined: the hosted runtime's version. */
  readonly deno: string | undefined;
  /** Kinds of visits that `churn` leaves out. */
  readonly without: readonly string[];
  /** Variables of the function in addition. */
  readonly env: Readonly<Record<string, string>>;
}

export const USAGE = `deno task soak [options]
  --scenario turnover        isolates come and go under clients that publish (default), or
             kill1000        one isolate with 1,000 members in one room is killed, or
             churn           memory of one process while members come and go (Linux)
  --minutes 10               how long messages are published (60 with churn)
  --clients 300 --rooms 30   clients, and the rooms that they are spread over
  --present 300              clients that enter presence (default: all; 50 with kill1000)
  --backplane postgres,redis one run with each, in turn, on a server started for it
  --isolates 3               isolates that take new connections at a time
  --wall 10s                 how long an isolate lives
  --cpu 2s                   CPU that an isolate may use (default: the host's; with kill1000 as much as it likes)
  --rate 100                 messages published a second, by all together; with churn visits a second (15)
  --kill-every 15s           an isolate is killed without a warning, at random; 0: never
  --cut-every 20s            some connections to the database are cut, at random; 0: never
  --back-within 5s           how long a client may be away after the kill of kill1000
  --processes 2              processes that the clients are spread over
  --function path/index.ts   entry of the function to run (default: this project's)
  --path /realtime/rooms     where its rooms are
  --deno path                Deno binary of the isolates (default: 2.1.4, the hosted runtime's)
  --env NAME=VALUE           a variable of the function; can be repeated
  --without NAME             a kind of visit that churn leaves out; can be repeated:
                             ${Object.keys(VISITORS).join("\n                             ")}
  --seed n                   chance begins here (default: drawn, and printed)
  --json out.json            writes every figure
churn reads --minutes, --rate, --without, --seed and --json only.
Exit status: 1 when a promise was broken, or memory is not flat.`;

/** Defaults that each scenario has of its own. */
const DEFAULTS: Readonly<Record<ScenarioName, { readonly minutes: string; readonly rate: string }>> = {
  turnover: { minutes: "10", rate: "100" },
  kill1000: { minutes: "0.5", rate: "5" },
  churn: { minutes: "60", rate: "15" },
};
const DEFAULT_ENTRY = new URL("../../supabase/functions/realtime/index.ts", import.meta.url);

/** Reads the command line. @throws {Error} naming the option that is wrong */
export function parseOptions(args: string[]): SoakOptions {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: "string", default: "turnover" },
      minutes: { type: "string" },
      clients: { type: "string" },
      rooms: { type: "string" },
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
  if (!scenario) throw new Error(`--scenario takes ${SCENARIOS.join(" or ")}, not ${values.scenario}`);
  const isKill = scenario === "kill1000";
  const { minutes: defaultMinutes, rate: defaultRate } = DEFAULTS[scenario];
  const minutes = number("--minutes", values.minutes ?? defaultMinutes, 0.05, 1_440);
  const clients = whole("--clients", values.clients ?? (isKill ? "1000" : "300"), 2, 20_000);
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
    rooms: whole("--rooms", values.rooms ?? (isKill ? "1" : "30"), 1, 10_000),
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
    without: values.without.map(visit),
    env: Object.fromEntries(values.env.map(variable)),
  };
}

/** A time, or 0 for never. */
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
  if (!name) throw new Error(`--backplane takes ${BACKPLANES.join(" and ")}, not ${text}`);
  return name;
}

function visit(text: string): string {
  if (Object.hasOwn(VISITORS, text)) return text;
  throw new Error(`--without takes ${Object.keys(VISITORS).join(", ")}, not ${text}`);
}

function variable(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`--env takes NAME=VALUE, not ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
