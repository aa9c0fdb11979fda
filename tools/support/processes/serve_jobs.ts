import { readLines } from "./read_lines.ts";

/** Line that a worker prints. */
export type JobAnswer =
  | { readonly ready: true }
  | { readonly id: number; readonly answer?: unknown }
  | { readonly id: number; readonly error: string };

/** Other end of JobProcess: prints that it is ready, then does the jobs from stdin until that ends. */
export async function serveJobs(run: (job: unknown) => unknown): Promise<void> {
  async function serve(line: string): Promise<void> {
    const { id, job } = JSON.parse(line);
    try {
      say({ id, answer: await run(job) });
    } catch (error) {
      say({ id, error: error instanceof Error ? error.message : String(error) });
    }
  }
  say({ ready: true });
  await readLines(Deno.stdin.readable, (line) => void serve(line));
}

function say(answer: JobAnswer): void {
  console.log(JSON.stringify(answer));
}
