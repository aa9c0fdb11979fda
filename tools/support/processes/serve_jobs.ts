import { readLines } from "./read_lines.ts";

/** Line that a worker prints. */
export type JobAnswer =
  | { readonly ready: true }
  | { readonly id: number; readonly answer?: unknown }
  | { readonly id: number; readonly error: string };

/**
 * Other end of JobProcess: prints that it is ready, then runs the jobs from stdin until its end.
 */
export async function serveJobs(run: (job: unknown) => unknown): Promise<void> {
  async function serve(line: string): Promise<void> {
    const { id, job } = JSON.parse(line);
    try {
      print({ id, answer: await run(job) });
    } catch (error) {
      print({ id, error: error instanceof Error ? error.message : String(error) });
    }
  }
  print({ ready: true });
  await readLines(Deno.stdin.readable, (line) => void serve(line));
}

function print(answer: JobAnswer): void {
  console.log(JSON.stringify(answer));
}
