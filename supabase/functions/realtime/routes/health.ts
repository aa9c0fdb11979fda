import type { Dependency } from "../app_env.ts";
import { createEndpoint } from "../endpoint.ts";
import { VERSION } from "../version.ts";

/** What readiness says of one dependency. Why it fails is in the log, not here. */
interface DependencyState {
  readonly name: string;
  readonly state: "ok" | "failing";
  readonly latency_ms: number;
}

/** `GET /health`: the isolate lives; no dependency is touched. `GET /health/ready`: it can also do its work. */
export const health = createEndpoint()
  .get("/", (c) => {
    const { isolate } = c.var.services;
    c.header("cache-control", "no-store");
    return c.json({
      status: "ok" as const,
      version: VERSION,
      isolate: isolate.id,
      uptime_ms: Math.round(isolate.ageMs),
      connections: isolate.connections,
    });
  })
  .get("/ready", async (c) => {
    const { isolate, dependencies, now } = c.var.services;
    const states = await Promise.all(dependencies.map((dependency) => stateOf(dependency, now)));
    const ready = !isolate.isDraining && states.every(({ state }) => state === "ok");
    c.header("cache-control", "no-store");
    return c.json({
      status: ready ? "ready" : isolate.isDraining ? "draining" : "failing",
      dependencies: states,
    }, ready ? 200 : 503);
  });

async function stateOf(dependency: Dependency, now: () => number): Promise<DependencyState> {
  const startedAt = now();
  const state = await dependency.check().then(() => "ok" as const, () => "failing" as const);
  return { name: dependency.name, state, latency_ms: now() - startedAt };
}
