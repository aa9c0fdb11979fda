/** The proxies of docs/deploy.md: what they log, and what they bound. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { closeQuietly, writeAll } from "../../tools/support/wire/tcp_connection.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { DOCUMENTED_PROXIES } from "../support/proxies/proxies.ts";

/** Longer than the 10 s of the configurations. */
const PATIENCE_MS = 20_000;
/** Connections of one address that nginx and HAProxy allow. */
const MAX_OF_ADDRESS = 200;

/** Reads a connection to its end. */
async function untilEnd(connection: Deno.TcpConn): Promise<void> {
  const chunk = new Uint8Array(4_096);
  while (await connection.read(chunk).catch(() => null) !== null);
}

/** Half-sent requests. */
const HALVES: Readonly<Record<string, string>> = {
  head: "GET /realtime/health HTTP/1.1\r\nHost: x\r\nX-Long:",
  body: "POST /realtime/rooms/r/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
    "Content-Length: 1000\r\n\r\n{",
};

for (const { name, isMissing, start } of DOCUMENTED_PROXIES) {
  Deno.test({
    name: `${name} passes sockets and events, logs no token even of failed requests, and ends half-sent ones`,
    ignore: isMissing,
    fn: async () => {
      const issuer = await createIssuer();
      const env = { SUPABASE_JWKS: JSON.stringify(issuer.jwks) };
      await using upstream = await startFunctionProcess({ env });
      await using proxy = await start([upstream.port, upstream.port]);
      const port = Number(new URL(proxy.origin).port);
      const token = await issuer.token("alice");

      const startedAt = performance.now();
      const ends = Object.entries(HALVES).map(async ([half, text]) => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        try {
          await writeAll(connection, new TextEncoder().encode(text));
          await deadline(untilEnd(connection), PATIENCE_MS);
        } catch (cause) {
          throw new Error(`A half-sent ${half} stays open.`, { cause });
        } finally {
          closeQuietly(connection);
        }
      });

      const [joined] = await TcpMember.join(`ws://127.0.0.1:${port}/realtime/rooms/r?token=${token}`);
      await using member = joined;
      await member.request({ type: "presence", id: "p", state: {} });
      const events = await fetch(`${proxy.origin}/realtime/rooms/r/events?token=${token}`);
      assertEquals([events.status, events.headers.get("content-type")], [200, "text/event-stream"]);
      const reader = events.body?.getReader();
      async function untilEvent(part: string): Promise<void> {
        for (let text = ""; !text.includes(part);) {
          const { value } = await deadline(
            reader?.read() ?? Promise.reject(new Error("no body")),
            PATIENCE_MS,
          );
          assert(value, `The stream ended before ${part}.`);
          text += new TextDecoder().decode(value);
        }
      }
      await untilEvent('"type":"welcome"');
      const inSubprotocol = [...HANDSHAKE, `Sec-WebSocket-Protocol: realtime.v1, jwt-${token}`];
      assertEquals((await rawGet(port, "/realtime/echo", inSubprotocol)).status, 101);

      await Promise.all(ends);
      assertLess(performance.now() - startedAt, PATIENCE_MS);
      // The timeout of half-sent requests leaves open sockets and streams alone.
      await member.request({ type: "publish", id: "late", event: "e", data: "late" });
      await untilEvent('"data":"late"');
      await reader?.cancel();

      // The open sockets break, and requests fail from here on.
      await upstream[Symbol.asyncDispose]();
      for (
        const path of ["/realtime/echo", `/realtime/echo?token=${token}`, `/realtime/rooms/r?jwt=${token}`]
      ) {
        const { status } = await rawGet(port, path, inSubprotocol);
        assert(status === 502 || status === 503, `${path}: ${status}`);
      }
      const logs = await proxy.logs();
      assertGreater(logs.length, 0);
      assert(!/eyJ|jwt-/.test(logs), `A log contains a token:\n${logs}`);
    },
  });

  Deno.test({
    name: `${name} bounds the connections of one address`,
    // The two others cannot; docs/deploy.md says so.
    ignore: isMissing || !["nginx", "HAProxy"].includes(name),
    fn: async () => {
      const issuer = await createIssuer();
      const env = { SUPABASE_JWKS: JSON.stringify(issuer.jwks), MAX_CONNECTIONS_PER_USER: "1000" };
      await using upstream = await startFunctionProcess({ env });
      await using proxy = await start([upstream.port, upstream.port]);
      const port = Number(new URL(proxy.origin).port);
      const url = `ws://127.0.0.1:${port}/realtime/rooms/r?token=${await issuer.token("alice")}`;
      const members: TcpMember[] = [];
      let refused = 0;
      try {
        for (let count = 0; count < MAX_OF_ADDRESS + 20; count++) {
          await TcpMember.open(url).then((member) => members.push(member), () => refused += 1);
        }
        assert(members.length > MAX_OF_ADDRESS - 10 && members.length <= MAX_OF_ADDRESS, `${members.length}`);
        assertEquals(members.length + refused, MAX_OF_ADDRESS + 20);
      } finally {
        await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
      }
    },
  });
}
