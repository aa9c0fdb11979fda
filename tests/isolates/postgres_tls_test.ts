/** Runs the suite of isolates on Postgres over TLS. */
import { onPostgresOverTls } from "./backends.ts";
import { isolatesSuite } from "./isolates_suite.ts";

isolatesSuite(onPostgresOverTls);
