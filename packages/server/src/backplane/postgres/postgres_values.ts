import { BackplaneUnavailable } from "../contract.ts";
import type { Connector } from "./connector.ts";
import { type Parameter, sqlStateOf } from "./database.ts";
import { MIGRATIONS_FOLDER } from "./schema_version.ts";

/** Migration that makes the table and the functions. Rooms work without it. */
const MIGRATION = "20261129080000_one_use_values.sql";

/** SQLSTATE of a call of a function that does not exist. */
const UNDEFINED_FUNCTION = "42883";

/**
 * One-use values in Postgres. Their statements run on the connections for reads: publishes need not
 * wait for them.
 */
export class PostgresValues {
  readonly #connector: Connector;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** See `Backplane.put`. */
  async put(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#run("select rooms.put_value($1, $2, $3::bigint)", [key, value, Math.ceil(ttlMs)]);
  }

  /** See `Backplane.take`. */
  async take(key: string): Promise<string | undefined> {
    const [row] = await this.#run<{ value: string | null }>("select rooms.take_value($1) as value", [key]);
    return row?.value ?? undefined;
  }

  /** Removes expired values. Does nothing without the migration. */
  async sweep(): Promise<void> {
    await this.#connector.database.maintain("select rooms.remove_expired_values()", []).catch(
      (error: unknown) => {
        if (sqlStateOf(error) !== UNDEFINED_FUNCTION) throw error;
      },
    );
  }

  async #run<Row extends object>(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    await this.#connector.admit();
    try {
      return await this.#connector.database.read<Row>(text, parameters);
    } catch (error) {
      if (sqlStateOf(error) !== UNDEFINED_FUNCTION) throw error;
      throw new BackplaneUnavailable(
        "The database lacks the functions of one-use values, which tickets need. " +
          `Apply ${MIGRATIONS_FOLDER}${MIGRATION} (supabase db push).`,
        { cause: error },
      );
    }
  }
}
