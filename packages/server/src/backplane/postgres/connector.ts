import { BackplaneUnavailable } from "../contract.ts";
import { Database, isReadOnly, messageOf, sqlStateOf } from "./database.ts";
import { ListenConnection } from "./listen_connection.ts";
import type { ResolvedOptions } from "./postgres_options.ts";
import { readVersion, ROOMS_SCHEMA, type SchemaVersion } from "./schema_version.ts";
import { pause } from "../with_timeout.ts";

/** Rights of the current role that are missing, at most five, as one text. */
const MISSING_RIGHTS = `
select current_user as role, string_agg(what, ', ') as missing from (
  select 'execute ' || p.oid::regprocedure as what from pg_proc p
  where p.pronamespace = 'rooms'::regnamespace and not has_function_privilege(p.oid, 'execute')
  union all
  select privilege || ' on ' || c.oid::regclass
  from pg_class c
  cross join (values ('select'), ('insert'), ('update'), ('delete'), ('usage')) as needed(privilege)
  where c.relnamespace = 'rooms'::regnamespace and case
    when c.relkind = 'S' and privilege = 'usage' then not has_sequence_privilege(c.oid, privilege)
    when c.relkind = 'r' and privilege <> 'usage' then not has_table_privilege(c.oid, privilege)
  end
  limit 5
) as rights`;
/** Longest pause before the first reconnect, in milliseconds. */
const FIRST_RETRY_MS = 100;

/** Receives connection events. */
export interface ConnectorHandlers {
  readonly onNotification: (channel: string, payload: string) => void;
  /**
   * Called after each connect. `listener` is undefined where LISTEN does not work. The connector
   * counts as connected once the promise resolves.
   */
  readonly onConnected: (listener: ListenConnection | undefined) => Promise<void>;
  /** Called when the connection is lost, or an attempt failed. */
  readonly onLost: () => void;
}

/** Keeps the database connected: reconnects with growing, random pauses. */
export class Connector {
  readonly database: Database;
  readonly #options: ResolvedOptions;
  readonly #handlers: ConnectorHandlers;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #listener: ListenConnection | undefined;
  /** Settles with the current attempt, or settled with the last one. Never rejects. */
  #attempt = Promise.withResolvers<void>();
  /**
   * Reason of the last failure; absent while connected and during the first attempt after a loss.
   */
  #failure: unknown;
  #hasAttempted = false;
  #isConnected = false;
  #schema: SchemaVersion = { found: 0, needed: 0 };
  #onPollLost: ((error: unknown) => void) | undefined;

  constructor(options: ResolvedOptions, handlers: ConnectorHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.database = new Database({
      ...options,
      onConnectionFailure: (error) => {
        // Notifications still arrive. Only a new connection shows when Postgres takes writes again.
        if (isReadOnly(error)) this.fail(error);
        else void this.#listener?.check();
      },
    });
    this.#running = this.#run();
  }

  /**
   * Resolves once statements may be sent. Rejects with `BackplaneUnavailable`, immediately if the
   * database is known to be unreachable.
   */
  async admit(): Promise<void> {
    if (!this.#hasAttempted) await this.#attempt.promise;
    this.#throwFailure();
  }

  /**
   * Resolves once notifications, or polls in their place, arrive. Waits for a running attempt.
   * Rejects with `BackplaneUnavailable`.
   */
  async connected(): Promise<void> {
    if (!this.#isConnected && this.#failure === undefined) await this.#attempt.promise;
    this.#throwFailure();
    if (!this.#isConnected) {
      throw new BackplaneUnavailable("Postgres is not connected right now. Retry shortly.");
    }
  }

  /** Declares the current connection broken: the connector reconnects. */
  fail(error: unknown): void {
    this.#listener?.fail(error);
    this.#onPollLost?.(error);
  }

  /** Stops connecting. Statements still run until `database` is closed. */
  async stop(): Promise<void> {
    this.#end.abort();
    this.#failure = new Error("The backplane is closed.");
    this.fail(this.#failure);
    await this.#running;
  }

  #throwFailure(): void {
    if (this.#end.signal.aborted) throw new BackplaneUnavailable("The backplane is closed.");
    if (this.#failure === undefined) return;
    throw new BackplaneUnavailable(`Postgres is unavailable: ${messageOf(this.#failure)}`, {
      cause: this.#failure,
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    for (let failures = 0; !signal.aborted;) {
      const lost = await this.#connect().catch((error: unknown) => ({ wasConnected: false, error }));
      if (lost.wasConnected) failures = 0;
      else if (!signal.aborted) this.#failure = lost.error;
      this.#hasAttempted = true;
      this.#attempt.resolve();
      if (signal.aborted) break;
      const { retryMs, random, onEvent } = this.#options;
      const longest = Math.min(retryMs, FIRST_RETRY_MS * 2 ** failures++);
      const wait = Math.round(random() * longest);
      onEvent({ type: "lost", error: lost.error, retryMs: wait });
      this.#attempt = Promise.withResolvers();
      await pause(wait, signal);
    }
    this.#attempt.resolve();
  }

  /** Connects. Resolves when the connection is lost or the attempt failed. */
  async #connect(): Promise<{ wasConnected: boolean; error: unknown }> {
    let wasConnected = false;
    let listener: ListenConnection | undefined;
    try {
      listener = await this.#openListener();
      const pollLost = Promise.withResolvers<unknown>();
      this.#onPollLost = pollLost.resolve;
      this.#listener = listener;
      const lost = listener?.lost ?? pollLost.promise;
      // A loss during `onConnected` ends the attempt: the handler might never settle.
      const settled = await Promise.race([
        this.#handlers.onConnected(listener).then(() => "connected" as const),
        lost.then(() => "lost" as const),
      ]);
      if (settled === "lost") throw await lost;
      if (this.#end.signal.aborted) throw new Error("The backplane is closed.");
      wasConnected = this.#isConnected = this.#hasAttempted = true;
      this.#failure = undefined;
      this.#attempt.resolve();
      this.#options.onEvent({
        type: "connected",
        mode: listener ? "listen" : "poll",
        schema: this.#schema,
      });
      const checking = listener?.checkPeriodically();
      const error = await lost;
      await checking;
      return { wasConnected, error };
    } catch (error) {
      return { wasConnected, error };
    } finally {
      this.#isConnected = false;
      this.#listener = undefined;
      this.#onPollLost = undefined;
      this.#handlers.onLost();
      await listener?.[Symbol.asyncDispose]();
    }
  }

  /** Opens a listening connection; undefined behind a pooler, where LISTEN does not work. */
  async #openListener(): Promise<ListenConnection | undefined> {
    const { database } = this;
    const { echoMs, checkMs, connectMs, statementMs } = this.#options;
    const options = {
      database,
      echoMs,
      checkMs,
      connectMs,
      statementMs,
      onNotification: this.#handlers.onNotification,
    };
    await database.setPooled(false);
    let listener: ListenConnection | undefined;
    try {
      await this.#checkSchema();
      listener = await ListenConnection.open({ ...options, key: await this.#readKey() });
      if (this.#end.signal.aborted) throw new Error("The backplane is closed.");
      if (await listener.echoes()) return listener;
    } catch (error) {
      await listener?.[Symbol.asyncDispose]();
      if (!isRefusedSetting(error)) throw error;
    }
    await listener?.[Symbol.asyncDispose]();
    await database.setPooled(true);
    await this.#checkSchema();
    return undefined;
  }

  async #readKey(): Promise<string> {
    const [row] = await this.database.read<{ key: string }>("select key from rooms.channel_key", []);
    if (row) return row.key;
    throw new Error("No row of rooms.channel_key. Run `insert into rooms.channel_key default values`.");
  }

  async #checkSchema(): Promise<void> {
    this.#schema = await readVersion(this.database, ROOMS_SCHEMA);
    await this.#checkRights();
  }

  /** Checks the rights that no statement of the start needs; docs/deploy.md lists them. */
  async #checkRights(): Promise<void> {
    const [row] = await this.database.read<{ role: string; missing: string | null }>(MISSING_RIGHTS, []);
    if (!row?.missing) return;
    throw new Error(
      `The role ${row.role} may not do in the schema \`rooms\`: ${row.missing}. Grant it (docs/deploy.md).`,
    );
  }
}

/** True if a pooler rejected a setting that it does not know, as PgBouncer does. */
function isRefusedSetting(error: unknown): boolean {
  return sqlStateOf(error) === "08P01" && messageOf(error).includes("startup parameter");
}
