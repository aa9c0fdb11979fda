/** User of the dev server, with a token. */
export interface DevUser {
  readonly name: string;
  readonly token: string;
}

/** What the banner names. */
export interface BannerOptions {
  /** Name of the function; `realtime` by default. */
  readonly name?: string;
  /** A key for Realtime clients of Supabase; undefined if the environment has its own. */
  readonly publishableKey?: string | undefined;
}

/**
 * Text that the dev server prints at start: the playground, the address, tokens, and commands to
 * copy.
 */
export function banner(origin: string, users: readonly DevUser[], options: BannerOptions = {}): string {
  const { name = "realtime", publishableKey } = options;
  const base = `${origin}/${name}`;
  const sockets = base.replace(/^http/, "ws");
  const [first] = users;
  const lines = [
    `Open ${origin}/ in a browser: the playground, where two tabs can chat.`,
    "",
    `Realtime Edge is up: ${base}`,
    "",
  ];
  for (const { name, token } of users) lines.push(`A token for ${name}:`, token, "");
  if (publishableKey !== undefined) {
    lines.push(
      "Connect with the Realtime client of supabase-js:",
      `new RealtimeClient("${sockets}", { params: { apikey: "${publishableKey}" } })`,
      "",
    );
  }
  if (!first) {
    lines.push(
      "Connect with an access token of your Supabase project. With `session` of supabase-js it is",
      "`session.access_token`. Put it in the place of TOKEN:",
      `curl -s -H 'Authorization: Bearer TOKEN' ${base}/whoami`,
      `npx -y wscat -c '${sockets}/echo?token=TOKEN'`,
      `npx -y wscat -c '${sockets}/rooms/lobby?token=TOKEN'`,
      "",
    );
    return lines.join("\n");
  }
  lines.push(
    `Show the user of a token:`,
    `curl -s -H 'Authorization: Bearer ${first.token}' ${base}/whoami`,
    "",
    `Open an echo socket:`,
    `npx -y wscat -c '${sockets}/echo?token=${first.token}'`,
    "",
  );
  for (const { name, token } of users) {
    lines.push(
      `Join a room as ${name}:`,
      `npx -y wscat -c '${sockets}/rooms/lobby?token=${token}'`,
      "",
    );
  }
  lines.push(
    `Publish a message in a room:`,
    '{"type":"publish","id":"1","event":"chat","data":"hello"}',
    "",
    "Get a token for another user, with a role in `app_metadata` (`role`, `user_metadata` and",
    "`claims` are the other parameters):",
    `curl -sG ${origin}/dev/token -d user=carol --data-urlencode 'app_metadata={"role":"teacher"}' -w '\\n'`,
    "",
    "Ctrl-C stops the server.",
    "",
  );
  return lines.join("\n");
}

/** Address for a browser. The dev server answers to names of this machine only (local_host.ts). */
export function originOf({ hostname, port }: Pick<Deno.NetAddr, "hostname" | "port">): string {
  const isAny = hostname === "0.0.0.0" || hostname === "::";
  const name = isAny ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${name}:${port}`;
}

/** Variable of the process that says that the banner was printed; `--watch` keeps the process. */
const PRINTED = "REALTIME_EDGE_DEV_BANNER";

/** Returns the banner at start, and one line after each restart by `deno run --watch`. */
export function bannerOrLine(origin: string, users: readonly DevUser[], options: BannerOptions = {}): string {
  if (Deno.env.get(PRINTED) === String(Deno.pid)) return `Restarted: ${origin}/${options.name ?? "realtime"}`;
  Deno.env.set(PRINTED, String(Deno.pid));
  return banner(origin, users, options);
}
