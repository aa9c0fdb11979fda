import type { User } from "../auth/user.ts";
import { Connector } from "../backplane/postgres/connector.ts";
import { sqlStateOf } from "../backplane/postgres/database.ts";
import type { ListenConnection } from "../backplane/postgres/listen_connection.ts";
import {
  type PostgresEvent,
  type PostgresOptions,
  withDefaults,
} from "../backplane/postgres/postgres_options.ts";
import { PeriodicJobs } from "../backplane/postgres/periodic_jobs.ts";
import { readVersion, ROOM_ACCESS_SCHEMA, type SchemaVersion } from "../backplane/postgres/schema_version.ts";
import { type PermissionWatch, PolicyFailed, type RoomPermissions } from "../rooms/policy/authorize.ts";
import type { Scope } from "./by_room_and_user.ts";
import { KnownPermissions, type Question } from "./known_permissions.ts";
import { PermissionStatements } from "./permission_statements.ts";
import { PermissionWatchers } from "./permission_watchers.ts";

/** Channel of the notifications of `room_access.announce`, a function of the migration. */
const CHANNEL = "rooms:permissions";
const EVERYTHING: Scope = { room: undefined, userId: undefined };

/** Event for the log. */
export type RowSecurityEvent =
  | PostgresEvent
  /** A policy raised an error when it was asked about a user. */
  | {
    readonly type: "undecided";
    readonly error: PolicyFailed;
    readonly sqlstate: string | undefined;
    readonly userId: string;
    readonly room: string;
  };

/** Options of the connections; the backplane on Postgres has the same defaults. */
type ConnectionOptions = Pick<
  PostgresOptions,
  "tls" | "connectMs" | "statementMs" | "echoMs" | "checkMs" | "retryMs" | "random" | "now"
>;

/** Options of `RowSecurity`. */
export interface RowSecurityOptions extends ConnectionOptions {
  /** URL of the database, with user and password. */
  readonly url: string;
  /** Receives changes of the connection and failures of policies. Must not throw. */
  readonly onEvent: (event: RowSecurityEvent) => void;
  /**
   * Time that an answer is cached, in milliseconds; 10,000 by default. Without LISTEN, members are
   * checked at this interval instead of after notifications.
   */
  readonly cacheMs?: number;
  /** Number of cached answers; 5,000 by default. */
  readonly cacheEntries?: number;
  /** Interval at which failed checks of members are repeated, in milliseconds; 1,000 by default. */
  readonly retryCheckMs?: number;
}

/**
 * Room policy by row level security: asks the policies on `room_access.permissions` with the user's
 * own role and claims (docs/rooms.md, "Row level security"). It has two connections: one asks, one
 * listens for changes. Lost connections are opened again.
 */
export class RowSecurity {
  readonly #options: RowSecurityOptions;
  readonly #connector: Connector;
  readonly #statements: PermissionStatements;
  readonly #known: KnownPermissions;
  readonly #watchers = new PermissionWatchers();
  readonly #jobs: PeriodicJobs;
  #mode: "listen" | "poll" | undefined;
  #schema: SchemaVersion | undefined;

  constructor(options: RowSecurityOptions) {
    const { onEvent, cacheMs = 10_000, cacheEntries = 5_000, retryCheckMs = 1_000 } = options;
    this.#options = options;
    const settings = withDefaults({
      ...options,
      // One of the two would write; it is never opened.
      connections: 2,
      // Options of rooms, which this connection does not serve.
      retention: { messages: 0, ageMs: 0, dedupeMs: 0 },
      graceMs: 0,
      onDeliverError: () => {},
      onEvent: (event) => {
        onEvent(event.type === "connected" ? { ...event, schema: this.#schema ?? event.schema } : event);
        // Notifications during the outage are lost.
        if (event.type === "connected") this.#refresh(EVERYTHING);
      },
    });
    this.#known = new KnownPermissions({ maxAgeMs: cacheMs, maxEntries: cacheEntries, now: settings.now });
    this.#connector = new Connector(settings, {
      onNotification: (channel, payload) => {
        if (channel === CHANNEL) this.#refresh(scopeOf(payload));
      },
      onConnected: (listener) => this.#connected(listener),
      onLost: () => {
        this.#mode = undefined;
        this.#known.keep(false);
      },
    });
    this.#statements = new PermissionStatements(this.#connector);
    this.#jobs = new PeriodicJobs({
      jobs: [
        { everyMs: retryCheckMs, run: () => Promise.resolve(this.#watchers.retry()) },
        { everyMs: cacheMs, run: () => Promise.resolve(this.#poll()) },
      ],
      isConnected: () => this.#mode !== undefined,
      onEvent,
      random: settings.random,
    });
  }

  /**
   * Resolves with the permissions of a user in a room.
   * @throws {PolicyFailed} as a rejection, if a policy raises an error
   * @throws {BackplaneUnavailable} as a rejection, if the database cannot be asked
   */
  async permissions(user: User, room: string): Promise<RoomPermissions> {
    const question: Question = { room, userId: user.id, role: user.role, claims: claimsOf(user) };
    return await this.#known.get(question, () => this.#ask(question));
  }

  /** Reports possible changes of a user's permissions in a room; see `Authorize.watch`. */
  watch(userId: string, room: string, again: () => Promise<void>): PermissionWatch {
    return this.#watchers.add(userId, room, again);
  }

  /** Resolves once the database can be asked. Rejects with `BackplaneUnavailable`. */
  async ready(): Promise<void> {
    await this.#connector.connected();
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#jobs[Symbol.asyncDispose]();
    await this.#connector.stop();
    await this.#connector.database.close();
  }

  async #ask(question: Question): Promise<RoomPermissions> {
    try {
      return await this.#statements.ask(question);
    } catch (error) {
      if (error instanceof PolicyFailed) {
        const { userId, room } = question;
        this.#options.onEvent({ type: "undecided", error, sqlstate: sqlStateOf(error), userId, room });
      }
      throw error;
    }
  }

  async #connected(listener: ListenConnection | undefined): Promise<void> {
    this.#schema = await readVersion(this.#connector.database, ROOM_ACCESS_SCHEMA);
    await listener?.listen(CHANNEL);
    this.#mode = listener ? "listen" : "poll";
    this.#known.keep(true);
  }

  /** Without change notifications, assumes that any user's permissions may have changed. */
  #poll(): void {
    if (this.#mode === "poll") this.#refresh(EVERYTHING);
  }

  /** Drops the answers of a scope, and checks its members. */
  #refresh(scope: Scope): void {
    this.#known.forget(scope);
    this.#watchers.check(scope);
  }
}

/** Makes the claims that a policy sees: those of the token, with the role that PostgREST adds. */
function claimsOf({ claims, role }: User): string {
  return JSON.stringify({ ...claims, role });
}

/** Parses a payload `[room, user]`, with null for any. Other payloads stand for any change. */
function scopeOf(payload: string): Scope {
  try {
    const value: unknown = JSON.parse(payload);
    if (!Array.isArray(value) || value.length !== 2) return EVERYTHING;
    const [room, userId] = value.map((part: unknown) => typeof part === "string" ? part : undefined);
    return { room, userId };
  } catch {
    return EVERYTHING;
  }
}
