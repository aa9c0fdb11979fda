import type { User } from "../auth/user.ts";
import { Connector } from "../backplane/postgres/connector.ts";
import type { ListenConnection } from "../backplane/postgres/listen_connection.ts";
import {
  type PostgresEvent,
  type PostgresOptions,
  withDefaults,
} from "../backplane/postgres/postgres_options.ts";
import { PeriodicJobs } from "../backplane/postgres/periodic_jobs.ts";
import { type PermissionWatch, PolicyFailed, type RoomPermissions } from "../rooms/policy/authorize.ts";
import type { Scope } from "./by_room_and_user.ts";
import { KnownPermissions, type Question } from "./known_permissions.ts";
import { PermissionStatements, sqlStateOf } from "./permission_statements.ts";
import { PermissionWatchers } from "./permission_watchers.ts";

/** What the migration's `room_access.announce` tells on. */
const CHANNEL = "rooms:permissions";
const EVERYTHING: Scope = { room: undefined, userId: undefined };

/** What is worth a line in the log. */
export type RowSecurityEvent =
  | PostgresEvent
  /** A policy raised something when it was asked about a user. */
  | {
    readonly type: "undecided";
    readonly error: PolicyFailed;
    readonly sqlstate: string | undefined;
    readonly userId: string;
    readonly room: string;
  };

/** How the connection is kept; all in milliseconds, with the defaults of the backplane on Postgres. */
type ConnectionOptions = Pick<
  PostgresOptions,
  "connectMs" | "statementMs" | "echoMs" | "checkMs" | "retryMs" | "random"
>;

/** What the policy is given. */
export interface RowSecurityOptions extends ConnectionOptions {
  /** Where the database is, with user and password. */
  readonly url: string;
  /** Told what becomes of the connection, and of questions that cannot be answered. Must not throw. */
  readonly onEvent: (event: RowSecurityEvent) => void;
  /**
   * How long an answer is used again, in milliseconds; 10,000 by default. Where LISTEN does not work, members are looked at as often, in
   * place of being told.
   */
  readonly cacheMs?: number;
  /** How many answers are kept; 5,000 by default. */
  readonly cacheEntries?: number;
  /** After how long a member is looked at again that could not be, in milliseconds; 1,000 by default. */
  readonly retryLookMs?: number;
  /** Milliseconds; never goes back. `performance.now` by default. */
  readonly now?: () => number;
}

/**
 * Lets row level security decide: the policies on `room_access.permissions`, asked with the user's own role and claims (docs/rooms.md, "Row
 * level security"). It holds two connections, one that asks and one that listens for changes, and connects again whenever it must.
 */
export class RowSecurity {
  readonly #options: RowSecurityOptions;
  readonly #connector: Connector;
  readonly #statements: PermissionStatements;
  readonly #known: KnownPermissions;
  readonly #watchers = new PermissionWatchers();
  readonly #jobs: PeriodicJobs;
  #mode: "listen" | "poll" | undefined;

  constructor(options: RowSecurityOptions) {
    const { onEvent, cacheMs = 10_000, cacheEntries = 5_000, retryLookMs = 1_000 } = options;
    this.#options = options;
    this.#known = new KnownPermissions({
      maxAgeMs: cacheMs,
      maxEntries: cacheEntries,
      now: options.now ?? (() => performance.now()),
    });
    const settings = withDefaults({
      ...options,
      // Only what is read is read: one connection for it.
      connections: 2,
      // Of rooms, which are not this connection's.
      retention: { messages: 0, ageMs: 0, dedupeMs: 0 },
      graceMs: 0,
      onDeliverError: () => {},
      onEvent: (event) => {
        onEvent(event);
        // Whatever was told while nobody listened.
        if (event.type === "connected") this.#look(EVERYTHING);
      },
    });
    this.#connector = new Connector(settings, {
      onNotification: (channel, payload) => {
        if (channel === CHANNEL) this.#look(scopeOf(payload));
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
        { everyMs: retryLookMs, run: () => Promise.resolve(this.#watchers.retry()) },
        { everyMs: cacheMs, run: () => Promise.resolve(this.#poll()) },
      ],
      isConnected: () => this.#mode !== undefined,
      onEvent,
      random: settings.random,
    });
  }

  /**
   * What a user may do in a room.
   * @throws {PolicyFailed} as a rejection, when a policy raises something
   * @throws {BackplaneUnavailable} as a rejection, when the database cannot be asked
   */
  async permissions(user: User, room: string): Promise<RoomPermissions> {
    const question: Question = { room, userId: user.id, role: user.role, claims: claimsOf(user) };
    return await this.#known.get(question, () => this.#ask(question));
  }

  /** Tells when a user's permissions in a room may be others; see `Authorize.watch`. */
  watch(userId: string, room: string, again: () => Promise<void>): PermissionWatch {
    return this.#watchers.add(userId, room, again);
  }

  /** Resolves when it can be asked. Rejects with `BackplaneUnavailable`. */
  async ready(): Promise<void> {
    await this.#connector.connected();
  }

  /** Gives the connections back. */
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
    await this.#statements.checkSchema();
    await listener?.listen(CHANNEL);
    this.#mode = listener ? "listen" : "poll";
    this.#known.keep(true);
  }

  /** Where nobody tells of changes, everybody may have one. */
  #poll(): void {
    if (this.#mode === "poll") this.#look(EVERYTHING);
  }

  /** What is known of them may not be true any more. */
  #look(scope: Scope): void {
    this.#known.forget(scope);
    this.#watchers.look(scope);
  }
}

/** What a policy sees of the user: the token's claims. Where Auth was asked, what it says is newer than the token. */
function claimsOf({ claims, id, role, appMetadata, userMetadata }: User): string {
  return JSON.stringify({ ...claims, sub: id, role, app_metadata: appMetadata, user_metadata: userMetadata });
}

/** A payload is `[room, user]`, with null for any. Anything else is taken for a change of everything. */
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
