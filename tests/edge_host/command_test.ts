/** `deno task edge` as a process, with workers on the hosted runtime's Deno (docs/edge-host.md). */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async";
import { resolveDeno } from "../../tools/bench/harness/deno_binary.ts";
import { HOSTED_DENO } from "../../tools/edge_host/host.ts";
import { readLines } from "../../tools/support/processes/read_lines.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { boot, PROBE, REALTIME, startStage, WORKER_PATIENCE_MS } from "./edge_stage.ts";

const MAIN = new URL("../../tools/edge_host/main.ts", import.meta.url);

/** The command, running. `await using` kills it. */
class Command implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #read: Promise<void>;
  #arrival = Promise.withResolvers<void>();
  #hasEnded = false;

  constructor(args: readonly string[]) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--frozen", MAIN.href, "--port", "0", ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#read = readLines(this.#process.stdout, (line) => {
      this.lines.push(line);
      this.#arrive();
    }).then(() => {
      this.#hasEnded = true;
      this.#arrive();
    });
  }

  /** The first line that matches; waits for it. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const find = async () => {
      for (;;) {
        for (const line of this.lines) {
          const found = pattern.exec(line);
          if (found) return found;
        }
        if (this.#hasEnded) throw new Error(`The command ended without ${pattern}: ${this.lines.join("\n")}`);
        await this.#arrival.promise;
      }
    };
    return await deadline(find(), WORKER_PATIENCE_MS);
  }

  /** Sends a signal, and waits for the end. */
  async end(signal: Deno.Signal): Promise<number> {
    this.#process.kill(signal);
    const { code } = await deadline(this.#process.status, WORKER_PATIENCE_MS);
    await this.#read;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#process.status;
    await this.#read;
  }

  #arrive(): void {
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}

Deno.test("the line that is printed opens a socket, and SIGTERM drains it with the reason", async () => {
  await using command = new Command(["--deno", Deno.execPath(), "--grace", "10s"]);
  const [, url = ""] = await command.line(/wscat -c '([^']+)'/);
  await boot(url.replace(/^ws/, "http").replace(/\/echo\?.*$/, "/health"));
  await using socket = await SocketClient.open(url);
  socket.send("hello");
  assertEquals(await socket.next(), "Echo: hello");
  assertEquals(await command.end("SIGTERM"), 0);
  assertEquals((await socket.closed()).code, 1012);
  const said = command.lines.join("\n");
  assertMatch(said, /warned termination \(age .+ sockets 1\)/);
  assertMatch(said, /"event":"isolate.draining".*"reason":"termination"/);
  assertMatch(said, /exited termination with 137/);
});

Deno.test("a host that is killed leaves no worker behind", async () => {
  await using command = new Command(["--deno", Deno.execPath(), "--function", PROBE.pathname]);
  const [, origin = ""] = await command.line(/Edge host is up: (\S+)/);
  await (await fetch(origin)).body?.cancel();
  const [, pid = ""] = await command.line(/booted as process (\d+)/);
  const worker = await Deno.open(`/proc/${pid}/status`);
  worker.close();
  await command.end("SIGKILL");
  const gone = Promise.withResolvers<void>();
  const looking = setInterval(() => {
    if (!isAlive(Number(pid))) gone.resolve();
  }, 20);
  try {
    await deadline(gone.promise, WORKER_PATIENCE_MS);
  } finally {
    clearInterval(looking);
  }
});

Deno.test("workers run on the hosted runtime's Deno: the real function, through a whole life", async () => {
  const { path: deno } = await resolveDeno(HOSTED_DENO);
  await using probe = await startStage(PROBE, { deno });
  assertEquals((await (await fetch(probe.url("/"))).json()).deno, HOSTED_DENO);
  const file = `/tmp/edge-host-${crypto.randomUUID()}`;
  assertEquals(await (await fetch(probe.url(`/write?file=${file}`))).text(), "NotCapable");

  await using realtime = await startStage(REALTIME, {
    deno,
    limits: { absentMs: 500 },
    env: { SUPABASE_JWKS: '{"keys":[]}', DRAIN_SECONDS: "0" },
  });
  const response = await fetch(realtime.url("/health"));
  assertEquals(response.status, 200);
  await response.body?.cancel();
  assertEquals((await realtime.until("exited")).reason, "early_drop");
  assert(realtime.output.some((line) => line.includes("isolate.draining")), realtime.output.join("\n"));
});

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and was not collected yet is a zombie.
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
