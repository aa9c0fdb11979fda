import { TextLineStream } from "./text_lines.ts";

/** The other end of WorkerProcess: says ready, then does the jobs from stdin, one after the other. */
export async function serveJobs(run: (job: unknown) => Promise<void>): Promise<void> {
  say({ ready: true });
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) {
    try {
      await run(JSON.parse(line));
      say({ done: true });
    } catch (error) {
      say({ error: String(error) });
    }
  }
}

function say(message: object): void {
  console.log(JSON.stringify(message));
}
