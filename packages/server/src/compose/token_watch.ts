import { SessionWatch, type TokenCheck } from "../auth/session_watch.ts";
import { preciseClock, wallClock } from "../clocks.ts";
import { cacheSeconds } from "../config/parse_config.ts";
import type { Config } from "../config/variables.ts";
import { errorFields, type Log } from "../observability/log.ts";
import { TimingWheel } from "../socket/timing_wheel.ts";
import type { TokenWatchDeps } from "../socket/watch_token.ts";

/** Longest tick of the timing wheel; shorter heartbeats use a tenth of their interval. */
const MAX_TICK_MS = 1_000;

/** Creates what ends connections with their tokens and, if Auth verifies tokens, their sessions. */
export function createTokenWatch(config: Config, tokens: TokenCheck, log: Log): TokenWatchDeps {
  return {
    wheel: new TimingWheel(Math.min(MAX_TICK_MS, config.HEARTBEAT_MS / 10), preciseClock),
    expiryGraceMs: config.EXPIRY_GRACE_SECONDS * 1000,
    sessions: config.AUTH_POLICY === "remote"
      ? new SessionWatch({
        tokenOf: (user) => tokens.tokenOf(user),
        verifyAgain: (token) => tokens.verifyAgain(token),
        everyMs: cacheSeconds(config) * 1000,
        // New tokens have at least half of the requests for themselves.
        checks: Math.ceil(config.AUTH_REQUESTS / 2),
        onUnavailable: ({ detail, cause }) =>
          log.warn("auth.unavailable", {
            about: "open connections",
            detail,
            ...(cause === undefined ? {} : errorFields(cause)),
          }),
        now: preciseClock,
      })
      : undefined,
    wallNow: wallClock,
  };
}
