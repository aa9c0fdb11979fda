import { BackplaneUnavailable } from "../backplane/contract.ts";
import { arrayText } from "../backplane/postgres/array_text.ts";
import type { Connector } from "../backplane/postgres/connector.ts";
import { NOTHING, permissionsOf, PolicyFailed, type RoomPermissions } from "../rooms/policy/authorize.ts";
import type { Question } from "./known_permissions.ts";

/** The schema's version that the statements are written for. */
const SCHEMA_VERSION = 1;
/** The file that makes it. */
const MIGRATION = "supabase/migrations/20261123010000_room_permissions.sql";
/** How many questions one statement asks. */
const MAX_AT_ONCE = 100;
/** How many may wait for the statement that is under way. */
const MAX_WAITING = 20_000;
/** SQLSTATEs by which the policy is not at fault: connection, conflict, resources, lock, cancelled, system, and what poolers say. */
const NOT_THE_POLICY = /^(08|40|53|55P03|57|58|XX)/;

/** A question that waits for its statement. */
interface Waiting {
  readonly question: Question;
  readonly answer: PromiseWithResolvers<RoomPermissions>;
}

/**
 * Asks the database what users may do: one statement at a time, with all questions that came while the last one was under way. So many that
 * come at once, as after a reconnect, cost few round trips.
 */
export class PermissionStatements {
  readonly #connector: Connector;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /**
   * What the policies say now.
   * @throws {PolicyFailed} as a rejection, when one of them raises something
   * @throws {BackplaneUnavailable} as a rejection, when the database cannot be asked
   */
  async ask(question: Question): Promise<RoomPermissions> {
    // Postgres has no text with it, so no role.
    if (question.role.includes("\0")) return NOTHING;
    await this.#connector.admit();
    if (this.#waiting.length >= MAX_WAITING) {
      throw new BackplaneUnavailable("Too many are being asked about.");
    }
    const answer = Promise.withResolvers<RoomPermissions>();
    this.#waiting.push({ question, answer });
    if (!this.#isAsking) void this.#askAll();
    return await answer.promise;
  }

  /** Rejects, naming the migration, when the database does not have what is asked here. */
  async checkSchema(): Promise<void> {
    let version = 0;
    try {
      const [row] = await this.#connector.database.read<{ version: number }>(
        "select room_access.schema_version() as version",
        [],
      );
      version = row?.version ?? 0;
    } catch (error) {
      const state = sqlStateOf(error);
      // Neither the schema nor the function is there.
      if (state !== "3F000" && state !== "42883") throw error;
    }
    if (version >= SCHEMA_VERSION) return;
    throw new Error(
      `ROOM_POLICY is rls, but the database has no permissions of version ${SCHEMA_VERSION} for rooms. Apply ${MIGRATION} (supabase db push).`,
    );
  }

  /** Never rejects. */
  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, MAX_AT_ONCE));
    this.#isAsking = false;
  }

  /** Never rejects. */
  async #answer(asked: readonly Waiting[]): Promise<void> {
    try {
      const questions = asked.map(({ question }) => question);
      // One row: postgres 3.4.9 counts rows that came before an error to the next statement's.
      const [row] = await this.#connector.database.read<{ answers: string }>(
        "select string_agg(room_access.permitted(room, role, claims), ';' order by place) as answers " +
          "from unnest($1::text[], $2::text[], $3::text[]) with ordinality as q(room, role, claims, place)",
        [
          arrayText(questions.map(({ room }) => room)),
          arrayText(questions.map(({ role }) => role)),
          arrayText(questions.map(({ claims }) => claims)),
        ],
      );
      const answers = row?.answers.split(";") ?? [];
      asked.forEach(({ answer }, place) => answer.resolve(permissionsOf((answers[place] ?? "").split(","))));
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== undefined && asked.length > 1) {
        // What one of them raises, or takes too long for, is nothing to the others.
        for (const one of asked) await this.#answer([one]);
      } else for (const { answer } of asked) answer.reject(failureOf(error, state));
    }
  }
}

/** What is thrown for what the database said. */
function failureOf(error: unknown, state: string | undefined): unknown {
  if (state === undefined || NOT_THE_POLICY.test(state)) return error;
  return new PolicyFailed("A policy on room_access.permissions, or what it uses, failed.", {
    cause: error instanceof Error ? error.cause : error,
  });
}

/** The SQLSTATE of what the server raised; undefined when it raised nothing. */
export function sqlStateOf(error: unknown): string | undefined {
  const source = error instanceof BackplaneUnavailable ? error.cause : error;
  if (!(source instanceof Error) || source.name !== "PostgresError" || !("code" in source)) return undefined;
  return typeof source.code === "string" ? source.code : undefined;
}
