import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async";
import { createIssuer } from "../dev/issuer.ts";
import { answerKeys, startProjectStub } from "./support/project_stub.ts";
import { SocketClient } from "./support/socket_client.ts";

const MAIN = new URL("../dev/main.ts", import.meta.url);
const START_PATIENCE_MS = 30_000;

/** The dev server in a process of its own, and what it printed until it was up. */
interface DevServer extends AsyncDisposable {
  readonly printed: string;
}

async function startDevServer(env: Record<string, string> = {}): Promise<DevServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--frozen", MAIN.href],
    env: { PORT: "0", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  async function readBanner(): Promise<void> {
    // Its last line is the one about more users, or about the project's tokens.
    while (!/\/dev\/token\?user=carol|token of your Supabase project/.test(printed)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The dev server ended: ${printed}`);
      printed += value;
    }
  }
  async function end(): Promise<void> {
    await reader.cancel();
    child.kill("SIGKILL");
    await child.status;
  }
  try {
    await deadline(readBanner(), START_PATIENCE_MS);
  } catch (error) {
    await end();
    throw error;
  }
  return { printed, [Symbol.asyncDispose]: end };
}

/** The addresses of the printed wscat lines, in order: echo, the room as alice, the room as bob. */
function printedSocketUrls(printed: string): string[] {
  return [...printed.matchAll(/^npx -y wscat -c '([^']+)'$/gm)].map(([, url = ""]) => url);
}

Deno.test("the lines that the dev server prints work as they are: an echo, and a chat of two users", async () => {
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
    assertEquals([frame.data, frame.from.user], ["hello", "alice"]);
    break;
  }
});

Deno.test("the printed curl line names alice, and its issuer publishes the key of her token", async () => {
  await using dev = await startDevServer();
  const [, token = "", whoami = ""] =
    dev.printed.match(/^curl -s -H 'Authorization: Bearer ([^']+)' (\S+)$/m) ?? [];
  const user = await fetch(whoami, { headers: { authorization: `Bearer ${token}` } }).then((response) =>
    response.json()
  );
  assertEquals(user.id, "alice");
  const { keys } = await fetch(new URL("/auth/v1/.well-known/jwks.json", whoami)).then((response) =>
    response.json()
  );
  assertEquals(keys.map(({ alg, d }: { alg: string; d?: string }) => [alg, d]), [["ES256", undefined]]);
});

Deno.test("a token outlives a restart of the dev server, and more users can be had", async () => {
  const tokenOf = ({ printed }: DevServer) => printed.match(/A token for alice:\n(\S+)/)?.[1] ?? "";
  const originOf = ({ printed }: DevServer) =>
    printed.match(/Realtime Edge is up: (\S+)\/realtime/)?.[1] ?? "";
  let token = "";
  {
    await using first = await startDevServer();
    token = tokenOf(first);
  }
  assert(token !== "");
  await using second = await startDevServer();
  const whoami = (bearer: string) =>
    fetch(`${originOf(second)}/realtime/whoami`, { headers: { authorization: `Bearer ${bearer}` } })
      .then((response) => response.json());
  assertEquals((await whoami(token)).id, "alice");
  const carols = await fetch(`${originOf(second)}/dev/token?user=carol`).then((response) => response.text());
  assertEquals((await whoami(carols.trim())).id, "carol");
});

Deno.test("with SUPABASE_URL set the dev server trusts that project's users, and issues no tokens", async () => {
  const issuer = await createIssuer();
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
  await using dev = await startDevServer({ SUPABASE_URL: project.url });
  assertMatch(dev.printed, /Connect with a token of your Supabase project/);
  const origin = dev.printed.match(/Realtime Edge is up: (\S+)\/realtime/)?.[1] ?? "";
  const token = await issuer.token("dora");
  const user = await fetch(`${origin}/realtime/whoami?token=${token}`).then((response) => response.json());
  assertEquals(user.id, "dora");
  const refused = await fetch(`${origin}/dev/token?user=carol`);
  await refused.body?.cancel();
  assertEquals(refused.status, 404);
});
