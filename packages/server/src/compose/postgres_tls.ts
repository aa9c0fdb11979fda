import type { TlsOptions } from "../backplane/postgres/tls.ts";
import { sslModeOf } from "../config/postgres_url.ts";
import type { Config } from "../config/variables.ts";
import type { Log } from "../observability/log.ts";

/** Creates the TLS options of all connections to Postgres. They warn once about plain ones. */
export function createPostgresTls(config: Config, log: Log): TlsOptions {
  let hasWarned = false;
  return {
    mode: config.POSTGRES_SSLMODE ?? sslModeOf(config.SUPABASE_DB_URL ?? "") ?? "prefer",
    ca: config.POSTGRES_CA,
    onPlain({ reason, message }) {
      if (hasWarned) return;
      hasWarned = true;
      log.warn("postgres.unencrypted", {
        reason,
        message: `Connections to Postgres are not encrypted. ${message}`,
      });
    },
  };
}
