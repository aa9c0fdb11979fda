import type { JSONWebKeySet } from "jose";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

/** An address of the stub answers with this. */
export type Answer = (request: Request) => Response | Promise<Response>;

/**
 * Stands in for a Supabase project on loopback, with the two addresses that the function asks: the key set, and
 * `GET /auth/v1/user`. What the second takes and gives was read from @supabase/auth-js 2.119.1 (GoTrueClient's `_getUser`
 * and lib/fetch.js), not from a running Auth: `apikey` and `Authorization: Bearer <token>` go in; the user as a plain
 * object, or an error whose `code` counts when the header `x-supabase-api-version` is 2024-01-01 or later, comes out.
 */
export interface ProjectStub extends AsyncDisposable {
  /** For SUPABASE_URL. */
  readonly url: string;
  readonly port: number;
  /** How the two addresses answer from now on. */
  keys: Answer;
  user: Answer;
  /** How often each was asked. */
  readonly asked: { keys: number; user: number };
  /** What a hanging answer awaits: settles when the test has lost its patience, or is over. */
  readonly tooLate: Promise<Response>;
}

/** What a stub starts with; without an answer an address is answered with 404. */
export interface ProjectStubOptions {
  readonly keys?: Answer;
  readonly user?: Answer;
  /** A free port by default. */
  readonly port?: number;
}

/** Starts a stand-in for a project. */
export function startProjectStub(options: ProjectStubOptions = {}): ProjectStub {
  const notFound: Answer = () => Response.json({ message: "not found" }, { status: 404 });
  const tooLate = Promise.withResolvers<Response>();
  const patience = setTimeout(() => tooLate.resolve(new Response()), 2 * PATIENCE_MS);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      const address = pathname === "/auth/v1/.well-known/jwks.json"
        ? "keys"
        : pathname === "/auth/v1/user"
        ? "user"
        : undefined;
      if (!address || request.method !== "GET") return notFound(request);
      stub.asked[address]++;
      return stub[address](request);
    },
  );
  const { port } = server.addr;
  const stub: ProjectStub = {
    url: `http://127.0.0.1:${port}`,
    port,
    keys: options.keys ?? notFound,
    user: options.user ?? notFound,
    asked: { keys: 0, user: 0 },
    tooLate: tooLate.promise,
    async [Symbol.asyncDispose]() {
      clearTimeout(patience);
      tooLate.resolve(new Response());
      await server.shutdown();
    },
  };
  return stub;
}

/** The key set's address answering with these keys. */
export function answerKeys(jwks: JSONWebKeySet): Answer {
  return () => Response.json(jwks);
}

/** Auth knowing the session: the user as it gives them, whose id is `user`. */
export function answerUser(user: string): Answer {
  return () =>
    Response.json({
      id: user,
      aud: "authenticated",
      role: "authenticated",
      email: `${user}@auth.example.com`,
      app_metadata: { provider: "email", from: "auth" },
      user_metadata: { name: user },
      is_anonymous: false,
    });
}

/** Auth refusing, in the form of its API since 2024-01-01; it is so indiscreet as to say the token in its message. */
export function answerAuthError(status: number, code: string): Answer {
  return ({ headers }) =>
    Response.json({ code, message: `said by Auth about ${headers.get("authorization")}` }, {
      status,
      headers: { "x-supabase-api-version": "2024-01-01" },
    });
}

/** An address at which nobody listens. */
export function unusedAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

/** The environment of a function that asks this project's Auth about every token. */
export function remotePolicy(projectUrl: string): Record<string, string | undefined> {
  return { ...askableAuth(projectUrl), AUTH_POLICY: "remote", SUPABASE_JWKS: undefined };
}

/** The environment of a function that can ask this project's Auth. */
export function askableAuth(projectUrl: string): Record<string, string> {
  return {
    SUPABASE_URL: projectUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE_KEY }),
  };
}

/** What identifies the function to the project. */
export const PUBLISHABLE_KEY = "sb_publishable_of_the_tests";
