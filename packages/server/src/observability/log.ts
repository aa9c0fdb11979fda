import type { MonotonicClock, WallClock } from "../clocks.ts";
import { LogBudget } from "./log_budget.ts";
import type { LogFields, LogLevel } from "./log_event.ts";
import { maskTokens } from "./mask_tokens.ts";

export type { LogFields, LogLevel };

/** Writes one JSON line per event. Tokens and passwords of URLs are removed from every line. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Logs the number of events left out in this window, and stops its timer. */
  close(): void;
}

/** Options of a log. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Number of events per 10 seconds; the hosted runtime silently drops those above 100. */
  readonly budget: number;
  /** Fields of every line. */
  readonly common: LogFields;
  readonly write: (level: LogLevel, line: string) => void;
  readonly now: MonotonicClock;
  readonly wallNow: WallClock;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
const WINDOW_MS = 10_000;
/** Largest event that the host accepts, in characters. */
const MAX_LINE_LENGTH = 10_000;
const MAX_FIELD_LENGTH = 4_000;
/**
 * Matches characters that JSON leaves as they are, but that change how a terminal shows the line:
 * C1 controls, line separators, and marks that reverse the direction of text.
 */
const UNSEEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Matches the password of a connection string, which ends at the last `@` of the word: a password
 * that is not percent-encoded may contain any character.
 */
const PASSWORD = /\b((?:postgres(?:ql)?|rediss?):\/\/[^\s:]*:)\S*@/gi;

/** Creates a log with a budget. It counts the events above, and logs the count after the window. */
export function createLog(options: LogOptions): Log {
  const { budget, common, write, now, wallNow } = options;
  const lowest = LEVELS.indexOf(options.level);
  const window = new LogBudget(budget);
  let windowStart = now();
  let windowEnd: ReturnType<typeof setTimeout> | undefined;

  function put(level: LogLevel, event: string, fields: LogFields | undefined): void {
    const at = new Date(wallNow()).toISOString();
    write(level, renderLine({ at, level, event, ...common, ...fields }));
  }

  function startWindow(): void {
    clearTimeout(windowEnd);
    windowEnd = undefined;
    windowStart = now();
    const leftOut = window.reset();
    if (leftOut) put("warn", "log.left_out", { ...leftOut, budget, window_ms: WINDOW_MS });
  }

  function log(level: LogLevel, event: string, fields?: LogFields): void {
    const rank = LEVELS.indexOf(level);
    if (rank < lowest) return;
    if (now() - windowStart >= WINDOW_MS) startWindow();
    if (window.admit(level, event, fields)) return put(level, event, fields);
    windowEnd ??= setTimeout(startWindow, WINDOW_MS - (now() - windowStart));
  }

  return {
    debug: (event, fields) => log("debug", event, fields),
    info: (event, fields) => log("info", event, fields),
    warn: (event, fields) => log("warn", event, fields),
    error: (event, fields) => log("error", event, fields),
    close: startWindow,
  };
}

/** Makes log fields of any thrown value. Never throws. */
export function errorFields(error: unknown): LogFields {
  try {
    if (!(error instanceof Error)) return { error: String(error) };
    const { name, message, stack } = error;
    return {
      error: `${name}: ${message}`,
      cause: causesOf(error).map((cause) => `${cause.name}: ${cause.message}`).join("; ") || undefined,
      stack: typeof stack === "string" ? stack.split("\n").slice(1, 8).join("\n") : undefined,
    };
  } catch {
    return { error: "(a thrown value that has no text)" };
  }
}

/** Lists up to four causes, outermost first: Deno 2.9 wraps errors of fetch twice. */
function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 4; cause = cause.cause) {
    causes.push(cause);
  }
  return causes;
}

/** Renders an event as one line. Cuts long fields, and halves the bound until the line fits. */
function renderLine(event: LogFields): string {
  for (let longest = MAX_FIELD_LENGTH;; longest = Math.floor(longest / 2)) {
    const json = JSON.stringify(event, (_name, value: unknown) => shorten(mask(value), longest));
    const line = maskTokens(json)
      .replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
    if (line.length <= MAX_LINE_LENGTH || longest === 0) return line;
  }
}

/** Masks passwords before a cut may remove the `@` that shows their end. */
function mask(value: unknown): unknown {
  return typeof value === "string" ? value.replace(PASSWORD, "$1***@") : value;
}

function shorten(value: unknown, longest: number): unknown {
  return typeof value === "string" && value.length > longest
    ? `${value.slice(0, longest)}… (${value.length} characters)`
    : value;
}
