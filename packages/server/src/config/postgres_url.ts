/** Modes of TLS to Postgres; see `POSTGRES_SSLMODE`. */
export type SslMode = "disable" | "prefer" | "require" | "verify-full";

/** Modes by the word in a URL's `sslmode`, as libpq names them. */
const MODES: ReadonlyMap<string, SslMode> = new Map([
  ["disable", "disable"],
  ["allow", "prefer"],
  ["prefer", "prefer"],
  ["require", "require"],
  ["verify-ca", "require"],
  ["verify-full", "verify-full"],
]);

/**
 * Text that ends the user and password early: a `#`, or an `@` behind a `/` or `?` that follows the
 * scheme directly. What is left of such a password would count as a path, and could be logged.
 */
const CUT_PASSWORD = /#|^[^:]+:\/\/[^/?]*(?:\?.*@|\/[^?]*@)/;

/**
 * Returns the mode that `sslmode` of the URL asks for; undefined without one, or an unknown one.
 */
export function sslModeOf(url: string): SslMode | undefined {
  return MODES.get(wordOf(url) ?? "");
}

/** Finds what is wrong with the URL of a database. The sentence shows no part of the password. */
export function findUrlProblem(url: string): string | undefined {
  if (CUT_PASSWORD.test(url) || !isReadable(url)) {
    return "SUPABASE_DB_URL cannot be read (its value is not shown). Percent-encode special characters of the " +
      "password: `/` is %2F, `#` is %23, `?` is %3F, `@` is %40, `%` is %25.";
  }
  const word = wordOf(url);
  return word === undefined || MODES.has(word)
    ? undefined
    : `SUPABASE_DB_URL has the sslmode ${JSON.stringify(word.slice(0, 100))}. Allowed: ${
      [...MODES.keys()].join(", ")
    }.`;
}

/** True if the client library can parse the URL. */
function isReadable(url: string): boolean {
  try {
    // Of several hosts, separated by commas, the library parses the first.
    const { username, password } = new URL(url.replace(/,[^/?@]*(?=[/?]|$)/, ""));
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

function wordOf(url: string): string | undefined {
  const start = url.indexOf("?");
  return start < 0 ? undefined : new URLSearchParams(url.slice(start)).get("sslmode") ?? undefined;
}
