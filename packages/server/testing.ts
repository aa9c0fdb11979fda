/**
 * For tests of an app: a server in this process, with keys of its own to sign tokens with.
 * @module
 *
 * @example
 * import { startTestServer } from "@realtime-edge/server/testing";
 * import { app } from "./app.ts";
 *
 * Deno.test("a token names its user", async () => {
 *   await using server = await startTestServer(app);
 *   const authorization = `Bearer ${await server.token("alice")}`;
 *   const response = await fetch(`${server.origin}/realtime/whoami`, { headers: { authorization } });
 *   assertEquals((await response.json()).id, "alice");
 * });
 */
export { startTestServer, type TestServer } from "./src/testing/test_server.ts";
