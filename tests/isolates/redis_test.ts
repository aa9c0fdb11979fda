/** The isolates' suite on Redis. */
import { onRedis } from "./backends.ts";
import { isolatesSuite } from "./suite.ts";

isolatesSuite(onRedis);
