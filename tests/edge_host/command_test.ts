/** `deno task edge` as a process, with workers on the hosted runtime's Deno (docs/edge-host.md). */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async";
import { HOSTED_DENO } from "../../tools/support/isolates/host.ts";
import { ChildLines } from "../../tools/support/processes/child_lines.ts";
import { resolveDeno } from "../../tools/support/processes/deno_binary.ts";
import { projectCommand } from "../../tools/support/processes/deno_command.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { boot, PROBE, REALTIME, startEdgeFixture, WORKER_TIMEOUT_MS } from "./edge_fixture.ts";

const MAIN = new URL("../../tools/edge_host/main.ts", import.meta.url);

/** Starts the command. `await using` kills it. */
function startCommand(args: readonly string[]): ChildLines {
  return new ChildLines(projectCommand(MAIN, ["--port", "0", ...args]), { name: "The edge host" });
}

/** Waits for the first line that matches. */
function untilLine(command: ChildLines, pattern: RegExp): Promise<RegExpExecArray> {
  return command.find((line) => pattern.exec(line) ?? undefined, WORKER_TIMEOUT_MS);
}

/** Sends a signal and waits for the end; resolves with the exit code. */
async function endWith(command: ChildLines, signal: Deno.Signal): Promise<number> {
  command.signal(signal);
  return (await deadline(command.ended, WORKER_TIMEOUT_MS)).code;
}

Deno.test("the line that is printed opens a socket, and SIGTERM drains it with the reason", async () => {
  await using command = startCommand(["--deno", Deno.execPath(), "--grace", "10s"]);
  const [, url = ""] = await untilLine(command, /wscat -c '([^']+)'/);
  await boot(url.replace(/^ws/, "http").replace(/\/echo\?.*$/, "/health"));
  await using socket = await SocketClient.open(url);
  socket.send("hello");
  assertEquals(await socket.next(), "Echo: hello");
  assertEquals(await endWith(command, "SIGTERM"), 0);
  assertEquals((await socket.closed()).code, 1012);
  const said = command.stdout.join("\n");
  assertMatch(said, /warned termination \(age .+ sockets 1\)/);
  assertMatch(said, /"event":"isolate.draining".*"reason":"termination"/);
  assertMatch(said, /exited termination with 137/);
});

Deno.test("a host that is killed leaves no worker behind", async () => {
  await using command = startCommand(["--deno", Deno.execPath(), "--function", PROBE.pathname]);
  const [, origin = ""] = await untilLine(command, /Edge host is up: (\S+)/);
  await (await fetch(origin)).body?.cancel();
  const [, pid = ""] = await untilLine(command, /booted as process (\d+)/);
  const worker = await Deno.open(`/proc/${pid}/status`);
  worker.close();
  await endWith(command, "SIGKILL");
  const gone = Promise.withResolvers<void>();
  const checking = setInterval(() => {
    if (!isAlive(Number(pid))) gone.resolve();
  }, 20);
  try {
    await deadline(gone.promise, WORKER_TIMEOUT_MS);
  } finally {
    clearInterval(checking);
  }
});

Deno.test("workers run on the hosted runtime's Deno: the real function, through a whole life", async () => {
  const { path: deno } = await resolveDeno(HOSTED_DENO);
  await using probe = await startEdgeFixture(PROBE, { deno });
  assertEquals((await (await fetch(probe.url("/"))).json()).deno, HOSTED_DENO);
  const file = `/tmp/edge-host-${crypto.randomUUID()}`;
  assertEquals(await (await fetch(probe.url(`/write?file=${file}`))).text(), "NotCapable");

  await using realtime = await startEdgeFixture(REALTIME, {
    deno,
    limits: { absentMs: 500 },
    env: { AUTH_JWT_SECRET: "a secret of 32 characters at least", DRAIN_SECONDS: "0" },
  });
  const response = await fetch(realtime.url("/health"));
  assertEquals(response.status, 200);
  await response.body?.cancel();
  assertEquals((await realtime.until("exited")).reason, "early_drop");
  assert(realtime.output.some((line) => line.includes("isolate.draining")), realtime.output.join("\n"));
});

function isAlive(pid: number): boolean {
  try {
    // An ended process is a zombie until its parent collects it.
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
