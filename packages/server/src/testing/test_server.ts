import type { JWTPayload } from "jose";
import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { SignJWT } from "jose/jwt/sign";
import { createServer, type ServerOptions } from "../host/create_server.ts";
import type { Fetcher } from "../host/request_handler.ts";

/** Server of a test, in this process. `await using` ends it. */
export interface TestServer extends AsyncDisposable {
  /** For example `http://127.0.0.1:43121`. */
  readonly origin: string;
  /**
   * Signs a token that the server accepts for one hour. `claims` replace those of a signed-in user;
   * an `exp` in the past makes an expired token.
   */
  token(user: string, claims?: JWTPayload): Promise<string>;
  /**
   * Returns the address of a socket, with a token of the user in its query. `path` contains the
   * base path, for example `/realtime/echo`. `user` is `alice` by default.
   */
  socketUrl(path: string, user?: string): Promise<string>;
}

/**
 * Starts a server for an app on a free loopback port. Its key set is its own, so that no Supabase
 * project is needed. It logs errors only, keeps rooms in memory, drains at once and ignores the
 * process's memory; variables in `env` replace these. Variables of the process do not count.
 * @throws {ConfigError} with the name of each wrong variable in `env`
 *
 * @example
 * Deno.test("the echo answers", async () => {
 *   await using server = await startTestServer(app);
 *   const socket = new WebSocket(await server.socketUrl("/realtime/echo"));
 *   const answer = new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
 *   socket.onopen = () => socket.send("hello");
 *   assertEquals(await answer, "Echo: hello");
 * });
 */
export async function startTestServer(app: Fetcher, { env = {} }: ServerOptions = {}): Promise<TestServer> {
  const kid = crypto.randomUUID();
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwks = { keys: [{ ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" }] };
  const server = createServer(app, {
    env: {
      LOG_LEVEL: "error",
      DRAIN_SECONDS: "0",
      SUPABASE_JWKS: JSON.stringify(jwks),
      // The process of the tests holds more than the server.
      ADMIT_BELOW_MB: "1000000",
      ...env,
    },
  });
  const ending = new AbortController();
  const listener = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: ending.signal },
    server.fetch,
  );
  const { port } = listener.addr;

  async function token(user: string, claims: JWTPayload = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const usual = { sub: user, aud: "authenticated", role: "authenticated", iat: now, exp: now + 3600 };
    return await new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg: "ES256", kid }).sign(
      privateKey,
    );
  }

  return {
    origin: `http://127.0.0.1:${port}`,
    token,
    socketUrl: async (path, user = "alice") => `ws://127.0.0.1:${port}${path}?token=${await token(user)}`,
    async [Symbol.asyncDispose]() {
      await server.drain("test over");
      await server.close();
      // Unlike `shutdown`, an abort does not wait for peers that never answer.
      ending.abort();
      await listener.finished;
    },
  };
}
