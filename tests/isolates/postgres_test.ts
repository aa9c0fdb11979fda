/** The isolates' suite on Postgres. */
import { onPostgres } from "./backends.ts";
import { isolatesSuite } from "./isolates_suite.ts";

isolatesSuite(onPostgres);
