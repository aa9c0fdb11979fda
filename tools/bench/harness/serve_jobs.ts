import { TextLineStream } from "./text_lines.ts";

/** The other end of WorkerProcess: says ready, then does the jobs from stdin, one after the other; answers are JSON. */
export async function serveJobs(run: (job: unknown) => unknown): Promise<void> {
  say({ ready: true });
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) {
    try {
      say({ done: true, answer: await run(JSON.parse(line)) });
    } catch (error) {
      say({ error: String(error) });
    }
  }
}

function say(message: object): void {
  console.log(JSON.stringify(message));
}
