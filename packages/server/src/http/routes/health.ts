import type { MonotonicClock } from "../../clocks.ts";
import type { Dependency } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { VERSION } from "../../version.ts";

/** State of one dependency. The reason of a failure is in the log only. */
interface DependencyState {
  readonly name: string;
  readonly state: "ok" | "failing";
  readonly latency_ms: number;
}

/**
 * `GET /health`: the isolate lives; no dependency is touched. `GET /health/ready`: it can also do
 * its work, and takes new connections.
 */
export const health = endpoint()
  .get("/", (c) => {
    const { connections } = c.env.deps;
    c.header("cache-control", "no-store");
    return c.json({
      status: "ok" as const,
      version: VERSION,
      isolate: connections.id,
      uptime_ms: Math.round(connections.ageMs),
      connections: connections.count,
    });
  })
  .get("/ready", async (c) => {
    const { connections, dependencies, now } = c.env.deps;
    const states = await Promise.all(dependencies.map((dependency) => stateOf(dependency, now)));
    const status = connections.isDraining
      ? "draining"
      : states.some(({ state }) => state === "failing")
      ? "failing"
      : connections.isShortOfMemory
      ? "short_of_memory"
      : "ready";
    c.header("cache-control", "no-store");
    return c.json({ status, dependencies: states } as const, status === "ready" ? 200 : 503);
  });

async function stateOf(dependency: Dependency, now: MonotonicClock): Promise<DependencyState> {
  const startedAt = now();
  const state = await dependency.check().then(() => "ok" as const, () => "failing" as const);
  return { name: dependency.name, state, latency_ms: now() - startedAt };
}
