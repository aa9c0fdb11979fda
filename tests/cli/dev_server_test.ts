import { assert, assertEquals, assertMatch } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { nameOfDevUser } from "../../packages/cli/dev/dev_user.ts";
import { devVariables } from "../../packages/cli/dev/dev_variables.ts";
import { StockClient } from "../support/channels/stock_client.ts";
import { stockTest } from "../support/channels/stock_test.ts";
import { type DevServer, startDevServer } from "../support/dev_server.ts";
import { answerKeys, startProjectStub } from "../support/project_stub.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

/** Addresses of the printed wscat lines, in order: echo, the room as alice, the room as bob. */
function printedSocketUrls(printed: string): string[] {
  return [...printed.matchAll(/^npx -y wscat -c '([^']+)'$/gm)].map(([, url = ""]) => url);
}

Deno.test("the printed commands work unchanged: an echo, and a chat of two users", async () => {
  await using dev = await startDevServer();
  const [echoUrl = "", aliceUrl = "", bobUrl = ""] = printedSocketUrls(dev.printed);

  await using echo = await SocketClient.open(echoUrl);
  echo.send("hello");
  assertEquals(await echo.next(), "Echo: hello");

  await using alice = await SocketClient.open(aliceUrl);
  await using bob = await SocketClient.open(bobUrl);
  const [line = ""] = dev.printed.match(/^\{"type":"publish".*\}$/m) ?? [];
  alice.send(line);
  for (;;) {
    const frame = JSON.parse(String(await bob.next()));
    if (frame.type !== "message") continue;
    assertEquals([frame.data, nameOfDevUser(frame.from.user)], ["hello", "alice"]);
    break;
  }
});

Deno.test("the first printed line has the address of the playground", async () => {
  await using dev = await startDevServer();
  const [, address = ""] = dev.printed.match(/^Open (\S+) /) ?? [];
  assertEquals(address, `${dev.origin}/`);
  const response = await fetch(address);
  assertEquals(response.headers.get("content-type"), "text/html; charset=UTF-8");
  assertMatch(await response.text(), /<title>Realtime Edge playground<\/title>/);
});

Deno.test("the printed curl command answers alice, and the issuer publishes the key of her token", async () => {
  await using dev = await startDevServer();
  const [, token = "", whoami = ""] =
    dev.printed.match(/^curl -s -H 'Authorization: Bearer ([^']+)' (\S+)$/m) ?? [];
  const user = await fetch(whoami, { headers: { authorization: `Bearer ${token}` } }).then((response) =>
    response.json()
  );
  assertEquals([nameOfDevUser(user.id), user.user_metadata], ["alice", { name: "alice" }]);
  const { keys } = await fetch(new URL("/auth/v1/.well-known/jwks.json", whoami)).then((response) =>
    response.json()
  );
  assertEquals(keys.map(({ alg, d }: { alg: string; d?: string }) => [alg, d]), [["ES256", undefined]]);
});

Deno.test("a token outlives a restart of the dev server, and /dev/token issues tokens for other users", async () => {
  const tokenOf = ({ printed }: DevServer) => printed.match(/A token for alice:\n(\S+)/)?.[1] ?? "";
  let token = "";
  {
    await using first = await startDevServer();
    token = tokenOf(first);
  }
  assert(token !== "");
  await using second = await startDevServer();
  const whoami = (bearer: string) =>
    fetch(`${second.origin}/realtime/whoami`, { headers: { authorization: `Bearer ${bearer}` } })
      .then((response) => response.json());
  assertEquals(nameOfDevUser((await whoami(token)).id), "alice");
  const carols = await fetch(`${second.origin}/dev/token?user=carol`).then((response) => response.text());
  // A page passes the text on as it is, so no line end follows.
  assertMatch(carols, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assertEquals(nameOfDevUser((await whoami(carols)).id), "carol");
});

stockTest("the printed line for supabase-js is enough for two of its clients to talk", async () => {
  await using dev = await startDevServer();
  const [, address = "", apikey = ""] =
    dev.printed.match(/^new RealtimeClient\("([^"]+)", \{ params: \{ apikey: "([^"]+)" \} \}\)$/m) ?? [];
  assertEquals(address, `${dev.origin.replace("http", "ws")}/realtime`);
  const port = Number(new URL(address).port);
  await using one = new StockClient({ port }, { apikey });
  // A base address with a slash at its end makes `//websocket`.
  await using other = new StockClient({ port }, { apikey, path: "/" });
  const [sender, receiver] = [
    await one.join("lobby", { broadcast: { ack: true } }),
    await other.join("lobby"),
  ];
  assertEquals(await sender.send("chat", { text: "hello" }), "ok");
  assertEquals((await receiver.untilReceived(1)).map(({ payload }) => payload), [{ text: "hello" }]);
  assertEquals(dev.lines.stdout.filter((line) => line.startsWith("{") && line.includes(apikey)), []);
});

Deno.test("publishable keys of the environment replace the dev server's, and no line is printed", async () => {
  const keys = JSON.stringify({ default: "sb_publishable_of_my_own" });
  for (const env of [{ SUPABASE_PUBLISHABLE_KEYS: keys }, { SUPABASE_URL: "http://127.0.0.1:1" }]) {
    await using dev = await startDevServer(env);
    assertEquals(dev.printed.includes("RealtimeClient"), false);
  }
  const issuer = await createIssuer();
  assertEquals(devVariables(issuer, () => keys)["SUPABASE_PUBLISHABLE_KEYS"], keys);
  assertEquals(devVariables(undefined, () => keys), {});
});

Deno.test("with SUPABASE_URL the dev server trusts that project's users, and issues no tokens", async () => {
  const issuer = await createIssuer();
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
  await using dev = await startDevServer({ SUPABASE_URL: project.url });
  assertMatch(dev.printed, /Connect with an access token of your Supabase project/);
  const token = await issuer.token("dora");
  const user = await fetch(`${dev.origin}/realtime/whoami?token=${token}`).then((response) =>
    response.json()
  );
  assertEquals(user.id, "dora");
  const refused = await fetch(`${dev.origin}/dev/token?user=carol`);
  await refused.body?.cancel();
  assertEquals(refused.status, 404);
  const issuerOf = await fetch(`${dev.origin}/dev/issuer`).then((response) => response.json());
  assertEquals(issuerOf, { issuesTokens: false, users: [], functionPath: "/realtime" });
});

/** Status line and body of a GET with this Host header. */
async function answerTo(dev: DevServer, path: string, host: string): Promise<string> {
  const { port } = new URL(dev.origin);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const request = `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

Deno.test("the dev server answers requests to this machine's own names only", async () => {
  await using dev = await startDevServer();
  const { port } = new URL(dev.origin);
  const paths = ["/", "/dev/token?user=admin", "/dev/issuer", "/realtime/health", "/playground/style.css"];
  for (
    const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.evil.example"]
  ) {
    for (const path of paths) {
      const answer = await answerTo(dev, path, host);
      assertMatch(answer, /^HTTP\/1\.1 403 /, `${host} ${path}`);
      assertMatch(answer, /localhost, 127\.0\.0\.1 and \[::1\] only/);
      assertMatch(answer, /\r\nx-content-type-options: nosniff\r\n/);
      assertEquals(answer.includes("eyJ"), false);
    }
  }
  for (const host of [`localhost:${port}`, "localhost", `127.0.0.1:${port}`, `[::1]:${port}`, "LocalHost"]) {
    assertMatch(await answerTo(dev, "/dev/token?user=admin", host), /^HTTP\/1\.1 200 [\s\S]*eyJ/, host);
  }
});

Deno.test("HOST=0.0.0.0 prints an address that the dev server answers", async () => {
  await using dev = await startDevServer({ HOST: "0.0.0.0" });
  const response = await fetch(`${dev.origin}/dev/issuer`);
  await response.body?.cancel();
  assertEquals([new URL(dev.origin).hostname, response.status], ["localhost", 200]);
});

Deno.test("the printed command for another user makes a token with the role in `app_metadata`", async () => {
  await using dev = await startDevServer();
  const [line = ""] = dev.printed.match(/^curl -sG .*$/m) ?? [];
  const { stdout } = await new Deno.Command("sh", { args: ["-c", line] }).output();
  const token = new TextDecoder().decode(stdout).trim();
  const user = await fetch(`${dev.origin}/realtime/whoami`, { headers: { authorization: `Bearer ${token}` } })
    .then((response) => response.json());
  assertEquals([nameOfDevUser(user.id), user.app_metadata.role], ["carol", "teacher"]);
});

Deno.test("a restart by the watcher prints one line, not the banner again", async () => {
  const watched = await Deno.makeTempFile();
  try {
    await using dev = await startDevServer({}, { watched });
    const before = dev.lines.stdout.length;
    await Deno.writeTextFile(watched, "changed");
    await dev.lines.find((line) => /^Restarted: http:/.test(line) || undefined, 30_000);
    const printed = dev.lines.stdout.slice(before).filter((line) => !line.startsWith("{"));
    assertEquals(printed.length, 1, printed.join("\n"));
  } finally {
    await Deno.remove(watched);
  }
});
