import { assertEquals, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const DRAIN_MS = 1_000;
/** Close handshakes and last responses may take a second each after the drain. */
const END_MS = DRAIN_MS + 3_000;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} drains echoes and rooms within DRAIN_SECONDS, and the process ends with 0`, async () => {
    const issuer = await createIssuer();
    await using process = await startFunctionProcess({
      env: { SUPABASE_JWKS: JSON.stringify(issuer.jwks), DRAIN_SECONDS: String(DRAIN_MS / 1000) },
    });
    const clients = await Promise.all(
      ["echo", "rooms/lobby", "rooms/lobby", "rooms/hall"].map(async (path, index) => {
        const token = await issuer.token(`user-${index}`);
        return await SocketClient.open(`ws://127.0.0.1:${process.port}/realtime/${path}?token=${token}`);
      }),
    );
    const startedAt = performance.now();
    process.signal(signal);
    const codes = await Promise.all(clients.map(async (client) => (await client.closed()).code));
    assertEquals(codes, [1012, 1012, 1012, 1012]);
    assertEquals((await deadline(process.status, END_MS)).code, 0);
    assertLess(performance.now() - startedAt, END_MS);
    assertEquals((await process.logged("isolate.drained"))["connections_left"], 0);
    assertEquals(process.stderr, "");
  });
}
