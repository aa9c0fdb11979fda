/**
 * Bootstrap of a worker process: provides what the hosted runtime adds to Deno, imports the
 * function, and executes the host's lines from stdin. Imports nothing at run time, to keep the
 * start short and the environment unchanged.
 */
import type { HostLine, WorkerLine } from "./control.ts";

const serve = Deno.serve;
const stdout = Deno.stdout;
const exit = Deno.exit;
const encoder = new TextEncoder();
let mark = "";
let pending = 0;
let isServing = false;

/** Writes synchronously, so that the line is out before a response that follows. */
function send(line: WorkerLine): void {
  const bytes = encoder.encode(`${mark}${JSON.stringify(line)}\n`);
  for (let written = 0; written < bytes.length;) written += stdout.writeSync(bytes.subarray(written));
}

function waitUntil<T>(promise: Promise<T>): Promise<T> {
  if (++pending === 1) send({ type: "waiting", promises: pending });
  const settled = () => {
    if (--pending === 0) send({ type: "waiting", promises: pending });
  };
  void Promise.resolve(promise).then(settled, settled);
  return promise;
}

/**
 * Replaces `Deno.serve` in all its forms, `(handler)`, `(options, handler)` and `({ handler })`;
 * the host chooses the address.
 */
function serveForHost(first: unknown, second?: unknown): Deno.HttpServer {
  const options = objectOf(first);
  const handler = [first, second, options["handler"]].find((it) => typeof it === "function");
  isServing = true;
  const onListen = (address: Deno.NetAddr) => {
    send({ type: "listening", port: address.port });
    if (typeof options["onListen"] === "function") options["onListen"](address);
  };
  return serve({ ...options, hostname: "127.0.0.1", port: 0, onListen }, handler as Deno.ServeHandler);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function provide(): void {
  Object.assign(globalThis, { EdgeRuntime: { waitUntil } });
  Object.defineProperty(Deno, "serve", { value: serveForHost, configurable: true });
  // The hosted runtime has no Worker.
  Reflect.deleteProperty(globalThis, "Worker");
  // A terminal also sends Ctrl-C to the workers; the host decides about their end.
  Deno.addSignalListener("SIGINT", () => {});
}

async function importFunction(entry: string): Promise<void> {
  try {
    await import(entry);
    if (!isServing) throw new Error("The function did not call Deno.serve at its import.");
  } catch (error) {
    console.error(error);
    send({
      type: "failed",
      message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
    exit(1);
  }
}

function handle(line: HostLine): void {
  if ("mark" in line) {
    mark = line.mark;
    send({ type: "started" });
  } else if ("import" in line) {
    void importFunction(line.import);
  } else if (line.dispatch === "drain") {
    dispatchEvent(new Event("drain"));
    send({ type: "dispatched", name: "drain" });
  } else {
    const { reason } = line;
    dispatchEvent(new CustomEvent("beforeunload", { cancelable: true, detail: { reason } }));
    send({ type: "dispatched", name: "beforeunload", reason });
  }
}

async function readHostLines(): Promise<void> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) handle(JSON.parse(line));
  }
  // The host has ended.
  exit(0);
}

provide();
void readHostLines();
