/** The isolates' suite on Postgres. */
import { onPostgres } from "./backends.ts";
import { isolatesSuite } from "./suite.ts";

isolatesSuite(onPostgres);
