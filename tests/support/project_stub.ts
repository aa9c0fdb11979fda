import type { JSONWebKeySet } from "jose";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

/** Answer of an address. */
export type Answer = (request: Request) => Response | Promise<Response>;

/**
 * Stub of a Supabase project on loopback, with the addresses that the function requests: the key
 * set, `GET /auth/v1/user` and Auth's health. The second follows @supabase/auth-js 2.119.1
 * (GoTrueClient's `_getUser` and lib/fetch.js), not a running Auth. Its request has `apikey` and
 * `Authorization: Bearer <token>`. Its response is the user as a plain object, or an error. The error's `code`
 * counts if the header `x-supabase-api-version` is 2024-01-01 or later.
 */
export interface ProjectStub extends AsyncDisposable {
  /** Value of SUPABASE_URL. */
  readonly url: string;
  readonly port: number;
  /** Current answers of the two addresses. */
  keys: Answer;
  user: Answer;
  /** Answer of `GET /auth/v1/health`, by default that of a healthy Auth. */
  health: Answer;
  /** Number of requests to each address. */
  readonly asked: { keys: number; user: number };
  /** Number of requests to the address of Auth's health. */
  healthChecks: number;
  /** Promise for an answer that hangs: settles after the test's limit or at its end. */
  readonly tooLate: Promise<Response>;
}

/** Initial answers; an address without one answers with 404. */
export interface ProjectStubOptions {
  readonly keys?: Answer;
  readonly user?: Answer;
  /** Port, by default a free one. */
  readonly port?: number;
}

export function startProjectStub(options: ProjectStubOptions = {}): ProjectStub {
  const notFound: Answer = () => Response.json({ message: "not found" }, { status: 404 });
  const tooLate = Promise.withResolvers<Response>();
  const patience = setTimeout(() => tooLate.resolve(new Response()), 2 * PATIENCE_MS);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    async (request) => {
      const response = await answer(request);
      // On Deno 2.1.4 `shutdown` may wait minutes for a connection that the client keeps open.
      response.headers.set("connection", "close");
      return response;
    },
  );
  function answer(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/auth/v1/health") {
      stub.healthChecks++;
      return stub.health(request);
    }
    const address = pathname === "/auth/v1/.well-known/jwks.json"
      ? "keys"
      : pathname === "/auth/v1/user"
      ? "user"
      : undefined;
    if (!address || request.method !== "GET") return notFound(request);
    stub.asked[address]++;
    return stub[address](request);
  }
  const { port } = server.addr;
  const stub: ProjectStub = {
    url: `http://127.0.0.1:${port}`,
    port,
    keys: options.keys ?? notFound,
    user: options.user ?? notFound,
    health: () =>
      Response.json({ version: "v2.180.0", name: "GoTrue", description: "GoTrue is a user registration" }),
    asked: { keys: 0, user: 0 },
    healthChecks: 0,
    tooLate: tooLate.promise,
    async [Symbol.asyncDispose]() {
      clearTimeout(patience);
      tooLate.resolve(new Response());
      await server.shutdown();
    },
  };
  return stub;
}

/** Answers with these keys. */
export function answerKeys(jwks: JSONWebKeySet): Answer {
  return () => Response.json(jwks);
}

/** Answers as Auth does for a valid session, with the id `user`. */
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

/**
 * Answers with a refusal of Auth's API since 2024-01-01. Its message leaks the token on purpose.
 */
export function answerAuthError(status: number, code: string): Answer {
  return ({ headers }) =>
    Response.json({ code, message: `said by Auth about ${headers.get("authorization")}` }, {
      status,
      headers: { "x-supabase-api-version": "2024-01-01" },
    });
}

/** Finds an address without a server. */
export function unusedAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

/** Environment of a function that checks every token with this project's Auth. */
export function remotePolicy(projectUrl: string): Record<string, string | undefined> {
  return { ...askableAuth(projectUrl), AUTH_POLICY: "remote", SUPABASE_JWKS: undefined };
}

/** Environment of a function that can reach this project's Auth. */
export function askableAuth(projectUrl: string): Record<string, string> {
  return {
    SUPABASE_URL: projectUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE_KEY }),
  };
}

/** Publishable key of the project. */
export const PUBLISHABLE_KEY = "sb_publishable_of_the_tests";
