/**
 * What runs in a worker process before the function does: it provides what the hosted runtime adds to Deno, imports the function, and does
 * what the host says on stdin. It has no imports that cost anything, and leaves as few traces as it can.
 */
import type { HostLine, WorkerLine } from "./control.ts";

const serve = Deno.serve;
const stdout = Deno.stdout;
const exit = Deno.exit;
const encoder = new TextEncoder();
let mark = "";
let pending = 0;
let isServing = false;

/** Written at once, so that it is out before a response that follows. */
function say(line: WorkerLine): void {
  const bytes = encoder.encode(`${mark}${JSON.stringify(line)}\n`);
  for (let written = 0; written < bytes.length;) written += stdout.writeSync(bytes.subarray(written));
}

function waitUntil<T>(promise: Promise<T>): Promise<T> {
  if (++pending === 1) say({ said: "waiting", promises: pending });
  const settled = () => {
    if (--pending === 0) say({ said: "waiting", promises: pending });
  };
  void Promise.resolve(promise).then(settled, settled);
  return promise;
}

/** `Deno.serve` as the function calls it, `(handler)`, `(options, handler)` or `({ handler })`: where to listen is the host's business. */
function serveForTheHost(first: unknown, second?: unknown): Deno.HttpServer {
  const options = objectOf(first);
  const handler = [first, second, options["handler"]].find((it) => typeof it === "function");
  isServing = true;
  const onListen = (address: Deno.NetAddr) => {
    say({ said: "listening", port: address.port });
    if (typeof options["onListen"] === "function") options["onListen"](address);
  };
  return serve({ ...options, hostname: "127.0.0.1", port: 0, onListen }, handler as Deno.ServeHandler);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function provide(): void {
  Object.assign(globalThis, { EdgeRuntime: { waitUntil } });
  Object.defineProperty(Deno, "serve", { value: serveForTheHost, configurable: true });
  // Not on the host either.
  Reflect.deleteProperty(globalThis, "Worker");
  // A terminal sends Ctrl-C to the host's children too; it is the host's to say when they end.
  Deno.addSignalListener("SIGINT", () => {});
}

async function importFunction(entry: string): Promise<void> {
  try {
    await import(entry);
    if (!isServing) throw new Error("The function did not call Deno.serve.");
  } catch (error) {
    console.error(error);
    say({
      said: "failed",
      message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
    exit(1);
  }
}

function obey(line: HostLine): void {
  if ("mark" in line) {
    mark = line.mark;
    say({ said: "born" });
  } else if ("import" in line) {
    void importFunction(line.import);
  } else if (line.dispatch === "drain") {
    dispatchEvent(new Event("drain"));
    say({ said: "dispatched", name: "drain" });
  } else {
    const { reason } = line;
    dispatchEvent(new CustomEvent("beforeunload", { cancelable: true, detail: { reason } }));
    say({ said: "dispatched", name: "beforeunload", reason });
  }
}

async function listenToTheHost(): Promise<void> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) obey(JSON.parse(line));
  }
  // The host is gone.
  exit(0);
}

provide();
void listenToTheHost();
