import { BackplaneUnavailable } from "../contract.ts";
import { Database, messageOf } from "./database.ts";
import { Link } from "./listen_connection.ts";
import type { Settings } from "./postgres_options.ts";
import { pause } from "../with_timeout.ts";

/** The schema's version that the statements are written for. */
const SCHEMA_VERSION = 1;
/** The file that makes it. */
const MIGRATION = "supabase/migrations/20261123000000_rooms.sql";
/** The longest pause before the first attempt to connect again, in milliseconds. */
const FIRST_RETRY_MS = 100;

/** What is told of the connection. */
export interface ConnectorHandlers {
  readonly onNotification: (channel: string, payload: string) => void;
  /** Connected; by a connection that listens, or without one where that does not work. Calls are let through once it resolved. */
  readonly onConnected: (link: Link | undefined) => Promise<void>;
  /** What was connected is lost. */
  readonly onLost: () => void;
}

/** Keeps the database connected, and knows whether it is. */
export class Connector {
  readonly database: Database;
  readonly #settings: Settings;
  readonly #handlers: ConnectorHandlers;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #link: Link | undefined;
  /** Settles with the attempt that is under way, or the last one. Never rejects. */
  #attempt = Promise.withResolvers<void>();
  /** Why it cannot be used: absent while it can, or while the first attempt after a loss is under way. */
  #failure: unknown;
  #hasBegun = false;
  #isConnected = false;
  #onPollLost: ((error: unknown) => void) | undefined;

  constructor(settings: Settings, handlers: ConnectorHandlers) {
    this.#settings = settings;
    this.#handlers = handlers;
    this.database = new Database({ ...settings, onTrouble: () => void this.#link?.check() });
    this.#running = this.#run();
  }

  /** Resolves when statements can be tried. Rejects with `BackplaneUnavailable`, at once when the database is away. */
  async admit(): Promise<void> {
    if (!this.#hasBegun) await this.#attempt.promise;
    this.#throwFailure();
  }

  /** Resolves when notifications come, or whatever stands for them; waits for an attempt that is under way. */
  async connected(): Promise<void> {
    if (!this.#isConnected && this.#failure === undefined) await this.#attempt.promise;
    this.#throwFailure();
    if (!this.#isConnected) throw new BackplaneUnavailable("The database is not connected now.");
  }

  /** Says that what was connected cannot be relied on any more: it is connected anew. */
  fail(error: unknown): void {
    this.#link?.fail(error);
    this.#onPollLost?.(error);
  }

  /** Ends connecting; statements go on until `database` is closed. */
  async stop(): Promise<void> {
    this.#end.abort();
    this.#failure = new Error("The backplane is closed.");
    this.fail(this.#failure);
    await this.#running;
  }

  #throwFailure(): void {
    if (this.#end.signal.aborted) throw new BackplaneUnavailable("The backplane is closed.");
    if (this.#failure === undefined) return;
    throw new BackplaneUnavailable(`The database is out of reach: ${messageOf(this.#failure)}`, {
      cause: this.#failure,
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    for (let failures = 0; !signal.aborted;) {
      const lost = await this.#connect();
      if (lost.wasConnected) failures = 0;
      else if (!signal.aborted) this.#failure = lost.error;
      this.#hasBegun = true;
      this.#attempt.resolve();
      if (signal.aborted) break;
      const { retryMs, random, onEvent } = this.#settings;
      const longest = Math.min(retryMs, FIRST_RETRY_MS * 2 ** failures++);
      const wait = Math.round(random() * longest);
      onEvent({ type: "lost", error: lost.error, retryMs: wait });
      this.#attempt = Promise.withResolvers();
      await pause(wait, signal);
    }
    this.#attempt.resolve();
  }

  /** Connects, and resolves when that is lost, or did not succeed. */
  async #connect(): Promise<{ wasConnected: boolean; error: unknown }> {
    let wasConnected = false;
    let link: Link | undefined;
    try {
      link = await this.#openLink();
      const pollLost = Promise.withResolvers<unknown>();
      this.#onPollLost = pollLost.resolve;
      this.#link = link;
      const lost = link?.lost ?? pollLost.promise;
      // What is lost while it is being made use of must not be waited for.
      const settled = await Promise.race([
        this.#handlers.onConnected(link).then(() => "connected" as const),
        lost.then(() => "lost" as const),
      ]);
      if (settled === "lost") throw await lost;
      if (this.#end.signal.aborted) throw new Error("The backplane is closed.");
      wasConnected = this.#isConnected = this.#hasBegun = true;
      this.#failure = undefined;
      this.#attempt.resolve();
      this.#settings.onEvent({ type: "connected", mode: link ? "listen" : "poll" });
      const watching = link?.watch();
      const error = await lost;
      await watching;
      return { wasConnected, error };
    } catch (error) {
      return { wasConnected, error };
    } finally {
      this.#isConnected = false;
      this.#link = undefined;
      this.#onPollLost = undefined;
      this.#handlers.onLost();
      await link?.[Symbol.asyncDispose]();
    }
  }

  /** A connection that listens; none where that does not work. */
  async #openLink(): Promise<Link | undefined> {
    const { database } = this;
    const { echoMs, checkMs, connectMs, statementMs } = this.#settings;
    const options = {
      database,
      echoMs,
      checkMs,
      connectMs,
      statementMs,
      onNotification: this.#handlers.onNotification,
    };
    await database.setPooled(false);
    let link: Link | undefined;
    try {
      link = await Link.open(options);
      if (this.#end.signal.aborted) throw new Error("The backplane is closed.");
      await this.#checkSchema();
      if (await link.echoes()) return link;
    } catch (error) {
      await link?.[Symbol.asyncDispose]();
      if (!isRefusedSetting(error)) throw error;
    }
    await link?.[Symbol.asyncDispose]();
    await database.setPooled(true);
    await this.#checkSchema();
    return undefined;
  }

  async #checkSchema(): Promise<void> {
    let version: number;
    try {
      const [row] = await this.database.read<{ version: number }>(
        "select rooms.schema_version() as version",
        [],
      );
      version = row?.version ?? 0;
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new Error(`The database has no rooms yet. Apply ${MIGRATION} (supabase db push).`, {
        cause: error,
      });
    }
    if (version >= SCHEMA_VERSION) return;
    throw new Error(
      `The database's rooms have version ${version}, and version ${SCHEMA_VERSION} is needed. Apply ${MIGRATION} (supabase db push).`,
    );
  }
}

function codeOf(error: unknown): unknown {
  const source = error instanceof BackplaneUnavailable ? error.cause : error;
  return source instanceof Error && "code" in source ? source.code : undefined;
}

/** Whether the schema or the function is not there. */
function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "3F000" || code === "42883";
}

/** Whether a pooler refused a setting that it does not know, as PgBouncer does. */
function isRefusedSetting(error: unknown): boolean {
  return codeOf(error) === "08P01" && messageOf(error).includes("startup parameter");
}
