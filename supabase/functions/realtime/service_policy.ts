import type { Dependency } from "./app_env.ts";
import type { Config } from "./config_schema.ts";
import { errorFields, type Log } from "./log.ts";
import type { RowSecurity, RowSecurityEvent } from "./permissions/row_security.ts";
import { anyUser, type Authorize } from "./rooms/authorize.ts";
import { createClaimPolicy } from "./rooms/claim_policy.ts";

/** The deployment's policy, and what it holds. */
export interface Policy {
  readonly authorize: Authorize;
  /** What it needs from outside. */
  readonly dependencies: readonly Dependency[];
  /** Gives its connections back. */
  close(): Promise<void>;
}

/** The policy that the configuration chooses: docs/configuration.md, `ROOM_POLICY`. */
export function createPolicy(config: Config, log: Log): Policy {
  const { ROOM_POLICY: chosen, SUPABASE_DB_URL: url } = config;
  if (chosen === "rls" && url) return byRowSecurity(url, log);
  return {
    authorize: chosen === "claim" ? createClaimPolicy(config.ROOM_CLAIM) : anyUser,
    dependencies: [],
    close: () => Promise.resolve(),
  };
}

/** Its code is loaded when it is chosen, so that no other choice pays for it. */
function byRowSecurity(url: string, log: Log): Policy {
  let loaded: RowSecurity | undefined;
  const loading = load();
  // Who asks is told.
  loading.catch(() => {});

  async function load(): Promise<RowSecurity> {
    const { RowSecurity } = await import("./permissions/row_security.ts");
    return loaded = new RowSecurity({ url, onEvent: (event) => report(event, log) });
  }

  const authorize: Authorize = Object.assign(
    async (...[user, room]: Parameters<Authorize>) => await (await loading).permissions(user, room),
    {
      watch(...[userId, room, again]: Parameters<NonNullable<Authorize["watch"]>>) {
        // Nobody is a member before somebody was asked about, which waits for the code.
        if (!loaded) throw new Error("The policy is not loaded.");
        return loaded.watch(userId, room, again);
      },
    },
  );
  return {
    authorize,
    dependencies: [{ name: "permissions", check: async () => await (await loading).ready() }],
    async close() {
      const policy = await loading.catch(() => undefined);
      await policy?.close();
    },
  };
}

function report(event: RowSecurityEvent, log: Log): void {
  switch (event.type) {
    case "connected":
      if (event.mode === "listen") return log.info("permissions.connected", { mode: event.mode });
      return log.warn("permissions.connected", {
        mode: event.mode,
        message: "LISTEN does not work over SUPABASE_DB_URL: members are looked at every few seconds, " +
          "so what is taken from them counts late. Use a direct connection or a session pooler.",
      });
    case "lost":
      return log.warn("permissions.lost", { retry_ms: event.retryMs, ...errorFields(event.error) });
    case "failed":
      return log.error("permissions.failed", errorFields(event.error));
    case "undecided":
      return log.error("permissions.undecided", {
        user: event.userId,
        room: event.room,
        sqlstate: event.sqlstate,
        ...errorFields(event.error),
      });
    default:
      event satisfies never;
  }
}
