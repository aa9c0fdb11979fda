/** How bad an event is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What an event says. Undefined fields are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one JSON line an event. Whatever looks like a token is cut out of every line. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Says how many events were left out since it was last said, and stops the timer that would have. */
  close(): void;
}

/** How a log is set up. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Events in ten seconds; the hosted runtime drops what is over 100 without a word. */
  readonly budget: number;
  /** Fields of every line. */
  readonly common: LogFields;
  readonly write: (level: LogLevel, line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
const WINDOW_MS = 10_000;
/** What the host takes of an event, in characters. */
const MAX_LINE_LENGTH = 10_000;
const MAX_FIELD_LENGTH = 4_000;
/** The part of the budget that debug and info events may use, so that there is always room for an error. */
const SHARE_OF_ROUTINE = 0.7;
/** Any JSON Web Token, or the beginning of one: base64url of `{"`. */
const TOKEN_LIKE = /eyJ[\w-]{5,}(\.[\w-]*){0,2}|sb_secret_[\w-]+/g;

/** Creates a log that stays within its budget: what is over is counted, and the count is logged when the window ends. */
export function createLog(options: LogOptions): Log {
  const { budget, common, write, now } = options;
  const routineBudget = Math.floor(budget * SHARE_OF_ROUTINE);
  // One place is kept for the line that says how many were left out.
  const wholeBudget = budget - 1;
  const lowest = LEVELS.indexOf(options.level);
  let windowStart = now();
  let written = 0;
  let leftOut = 0;
  let windowEnd: ReturnType<typeof setTimeout> | undefined;

  function put(level: LogLevel, event: string, fields: LogFields | undefined): void {
    const at = new Date(now()).toISOString();
    written++;
    write(level, renderLine({ at, level, event, ...common, ...fields }));
  }

  function startWindow(): void {
    clearTimeout(windowEnd);
    windowEnd = undefined;
    windowStart = now();
    written = 0;
    if (leftOut === 0) return;
    const count = leftOut;
    leftOut = 0;
    put("warn", "log.left_out", { count, budget, window_ms: WINDOW_MS });
  }

  function log(level: LogLevel, event: string, fields?: LogFields): void {
    const rank = LEVELS.indexOf(level);
    if (rank < lowest) return;
    const ageMs = now() - windowStart;
    // A clock that is set back starts a window too: else the log would be silent until it has caught up.
    if (ageMs < 0 || ageMs >= WINDOW_MS) startWindow();
    const limit = level === "warn" || level === "error" ? wholeBudget : routineBudget;
    if (written < limit) return put(level, event, fields);
    leftOut++;
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

/** What a log may say of something that was thrown. Never throws, whatever it was. */
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
    return { error: "(thrown without a text)" };
  }
}

/** What was underneath an error, outermost first: Deno 2.9 wraps what fetch met once more. A few; a cycle ends somewhere. */
function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 4; cause = cause.cause) {
    causes.push(cause);
  }
  return causes;
}

/** The event as one line; its long fields are cut, and cut again where that does not make the line short enough. */
function renderLine(event: LogFields): string {
  for (let longest = MAX_FIELD_LENGTH;; longest = Math.floor(longest / 2)) {
    const line = JSON.stringify(event, (_name, value: unknown) => shorten(value, longest))
      .replace(TOKEN_LIKE, "[token]");
    if (line.length <= MAX_LINE_LENGTH || longest === 0) return line;
  }
}

function shorten(value: unknown, longest: number): unknown {
  return typeof value === "string" && value.length > longest
    ? `${value.slice(0, longest)}… (${value.length} characters)`
    : value;
}
