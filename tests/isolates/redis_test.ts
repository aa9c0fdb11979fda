/** Tests of several isolates on Redis. */
import { onRedis } from "./backends.ts";
import { isolatesSuite } from "./isolates_suite.ts";

isolatesSuite(onRedis);
