import { serveJobs } from "../../tools/support/processes/serve_jobs.ts";

await serveJobs(async (job) => {
  const { type, number, afterMs } = job as { type: string; number: number; afterMs: number };
  if (type === "fail") throw new Error("not today");
  if (type === "hang") await new Promise(() => {});
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  return number * 2;
});
