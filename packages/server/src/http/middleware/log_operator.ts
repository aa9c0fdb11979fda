import type { Context } from "hono";
import type { LogFields } from "../../observability/log.ts";
import type { AppEnv } from "../context.ts";

/** Logs what an operator did, and to whom. The key that permitted it is never a field. */
export function logOperator(c: Context<AppEnv>, action: string, about: LogFields = {}): void {
  c.env.deps.log.info("operator.acted", { action, request_id: c.get("requestId"), ...about });
}
