import { BackplaneUnavailable } from "../backplane/contract.ts";
import { arrayText } from "../backplane/postgres/array_text.ts";
import type { Connector } from "../backplane/postgres/connector.ts";
import { sqlStateOf } from "../backplane/postgres/database.ts";
import { NOTHING, permissionsOf, PolicyFailed, type RoomPermissions } from "../rooms/policy/authorize.ts";
import type { Question } from "./known_permissions.ts";

/** Largest number of questions in one statement. */
const MAX_AT_ONCE = 100;
/** Largest number of questions that wait for the next statement. */
const MAX_WAITING = 20_000;
/**
 * SQLSTATEs of failures outside the policy: connection, conflict, resources, lock, cancellation,
 * system, and errors of poolers.
 */
const NOT_THE_POLICY = /^(08|40|53|55P03|57|58|XX)/;

/** Question that waits for its statement. */
interface Waiting {
  readonly question: Question;
  readonly answer: PromiseWithResolvers<RoomPermissions>;
}

/**
 * Asks the database for permissions, with one statement at a time. Questions that arrive during a
 * statement form the next one. Many questions at once, as after a reconnect, cost few round trips.
 */
export class PermissionStatements {
  readonly #connector: Connector;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /**
   * Resolves with the permissions that the policies give now.
   * @throws {PolicyFailed} as a rejection, if a policy raises an error
   * @throws {BackplaneUnavailable} as a rejection, if the database cannot be asked
   */
  async ask(question: Question): Promise<RoomPermissions> {
    // No text of Postgres contains NUL, so no role does.
    if (question.role.includes("\0")) return NOTHING;
    await this.#connector.admit();
    if (this.#waiting.length >= MAX_WAITING) {
      throw new BackplaneUnavailable(
        `${MAX_WAITING} permission checks wait for the database already. Retry later.`,
      );
    }
    const answer = Promise.withResolvers<RoomPermissions>();
    this.#waiting.push({ question, answer });
    if (!this.#isAsking) void this.#askAll();
    return await answer.promise;
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
      // A single row: postgres 3.4.9 adds rows that precede an error to the next statement's rows.
      const [row] = await this.#connector.database.read<{ answers: string }>(
        "select pg_catalog.string_agg(" +
          "room_access.permitted(room, role, claims, pg_catalog.current_setting('search_path')), ';' order by place" +
          ") as answers from unnest($1::text[], $2::text[], $3::text[]) with ordinality as q(room, role, claims, place)",
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
        // Asks each alone, so that an error or a timeout of one question affects no other.
        for (const one of asked) await this.#answer([one]);
      } else for (const { answer } of asked) answer.reject(failureOf(error, state));
    }
  }
}

/** Turns an error of the database into the one to throw. */
function failureOf(error: unknown, state: string | undefined): unknown {
  if (state === undefined || NOT_THE_POLICY.test(state)) return error;
  return new PolicyFailed(
    "A policy on room_access.permissions, or a function that it calls, failed. Fix the policy; the cause names the error.",
    {
      cause: error instanceof Error ? error.cause : error,
    },
  );
}
