import type { Dependency } from "../http/context.ts";
import type { TlsOptions } from "../backplane/postgres/tls.ts";
import type { Config } from "../config/variables.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { RowSecurityEvent } from "../permissions/row_security.ts";
import { createLazy } from "../lazy.ts";
import { anyUser, type Authorize } from "../rooms/policy/authorize.ts";
import { createClaimPolicy } from "../rooms/policy/claim_policy.ts";

/** The deployment's policy with its connections. */
export interface Policy {
  readonly authorize: Authorize;
  /** External services that readiness checks. */
  readonly dependencies: readonly Dependency[];
  /** Closes its connections. */
  close(): Promise<void>;
}

/** Creates the policy that `ROOM_POLICY` selects; see docs/configuration.md. */
export function createPolicy(config: Config, log: Log, tls: TlsOptions): Policy {
  const { ROOM_POLICY: chosen, SUPABASE_DB_URL: url } = config;
  if (chosen === "rls" && url) return byRowSecurity(url, tls, log);
  return {
    authorize: chosen === "claim" ? createClaimPolicy(config.ROOM_CLAIM) : anyUser,
    dependencies: [],
    close: () => Promise.resolve(),
  };
}

/** Creates the row level security policy. Its code is loaded only if it is selected. */
function byRowSecurity(url: string, tls: TlsOptions, log: Log): Policy {
  const security = createLazy(async () => {
    const { RowSecurity } = await import("../permissions/row_security.ts");
    return new RowSecurity({ url, tls, onEvent: (event) => report(event, log) });
  });
  void security.load();
  const authorize: Authorize = Object.assign(
    async (...[user, room]: Parameters<Authorize>) => await (await security.load()).permissions(user, room),
    {
      watch(...[userId, room, again]: Parameters<NonNullable<Authorize["watch"]>>) {
        // `authorize` precedes each watch, and waits until the code is loaded.
        if (!security.loaded) {
          throw new Error("The row level security policy is not loaded. Call authorize() before watch().");
        }
        return security.loaded.watch(userId, room, again);
      },
    },
  );
  return {
    authorize,
    dependencies: [{ name: "permissions", check: async () => await (await security.load()).ready() }],
    close: async () => await (await security.load().catch(() => undefined))?.close(),
  };
}

function report(event: RowSecurityEvent, log: Log): void {
  switch (event.type) {
    case "connected": {
      const { mode, schema } = event;
      const connected = { mode, schema_version: schema.found, schema_needed: schema.needed };
      if (mode === "listen") return log.info("permissions.connected", connected);
      return log.warn("permissions.connected", {
        ...connected,
        message:
          "LISTEN does not work over SUPABASE_DB_URL: permissions are checked again every few seconds, " +
          "so revoked permissions take effect late. Use a direct connection or a session pooler.",
      });
    }
    case "lost":
      return log.warn("permissions.lost", { retry_ms: event.retryMs, ...errorFields(event.error) });
    case "failed":
    // Only rooms ignore notifications.
    case "ignored":
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
