import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "../context.ts";
import { answerProblem } from "../middleware/problem.ts";

/**
 * Answers with a refusal in the form that supabase-js reads: `error` or `message` is what its users
 * see. The rest is the problem document of docs/protocol.md.
 */
export async function answerForSupabase(error: Error, c: Context<AppEnv>): Promise<Response> {
  const response = answerProblem(error, c);
  const problem: { detail?: string; title?: string } = await response.json();
  const message = problem.detail ?? problem.title;
  for (const [name, value] of response.headers) if (name !== "content-type") c.header(name, value);
  return c.json({ error: message, message, ...problem }, response.status as ContentfulStatusCode);
}
