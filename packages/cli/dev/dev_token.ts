import { idOfDevUser } from "./dev_user.ts";
import type { Issuer } from "./issuer.ts";

/** Lifetime of the dev server's tokens: a working day and the evening after it. */
const TOKEN_SECONDS = 24 * 3600;

/** User and changes of a dev token. */
export interface DevTokenRequest {
  /** Name, or UUID. */
  readonly user: string;
  readonly role?: string;
  /** Entries to add to `app_metadata`. */
  readonly app_metadata?: JsonObject;
  /** Entries to add to `user_metadata`, which has the name. */
  readonly user_metadata?: JsonObject;
  /** Claims to add or replace. */
  readonly claims?: JsonObject;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Signs a dev user's token. */
export async function devToken(issuer: Issuer, request: DevTokenRequest): Promise<string> {
  const { user, role = "authenticated", app_metadata, user_metadata, claims } = request;
  return await issuer.token(user, {
    claims: {
      sub: await idOfDevUser(user),
      session_id: crypto.randomUUID(),
      role,
      app_metadata: { provider: "email", ...app_metadata },
      user_metadata: { name: user, ...user_metadata },
      exp: Math.floor(Date.now() / 1000) + TOKEN_SECONDS,
      ...claims,
    },
  });
}

const TEXTS: readonly string[] = ["user", "role"];
const OBJECTS: readonly string[] = ["app_metadata", "user_metadata", "claims"];
const KNOWN = [...TEXTS, ...OBJECTS].map((name) => `\`${name}\``).join(", ");

/** Reads the query of `/dev/token`; a text says what is wrong with it. */
export function parseDevTokenQuery(query: URLSearchParams): DevTokenRequest | string {
  const fields: Record<string, unknown> = {};
  for (const [name, text] of query) {
    if (Object.hasOwn(fields, name)) return `\`${name}\` is given twice.`;
    if (TEXTS.includes(name)) {
      if (text === "") return `\`${name}\` is empty.`;
      fields[name] = text;
    } else if (OBJECTS.includes(name)) {
      fields[name] = parseObject(text);
      if (fields[name] === undefined) return `\`${name}\` is not a JSON object.`;
    } else {
      return `\`${name}\` is not known. Allowed are ${KNOWN}.`;
    }
  }
  const { user } = fields;
  return typeof user === "string" ? { ...fields, user } : "Missing `user`.";
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
