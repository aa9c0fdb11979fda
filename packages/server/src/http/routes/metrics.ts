import { withTimeout } from "../../backplane/with_timeout.ts";
import type { Dependency } from "../context.ts";
import { endpoint } from "../endpoint.ts";
import { secretKey } from "../middleware/secret_key.ts";
import { VERSION } from "../../version.ts";

/** Time for a dependency to answer. Prometheus waits 10 s for everything. */
const CHECK_MS = 1_000;

/**
 * `GET /metrics`: what this isolate has counted, for Prometheus. Each isolate counts for itself.
 */
export const metrics = endpoint().get("/", secretKey, async (c) => {
  const { metrics, connections, rooms, dependencies } = c.env.deps;
  const { rooms: roomCount, members } = rooms.count();
  const text = metrics.text({
    build: { version: VERSION, deno: Deno.version.deno, isolate: connections.id },
    dependencies: await Promise.all(dependencies.map(stateOf)),
    isolateAgeSeconds: Math.round(connections.ageMs / 1000),
    connections: connections.count,
    rooms: roomCount,
    members,
  });
  return c.body(text, 200, {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "cache-control": "no-store",
  });
});

/** A dependency that hangs must not hide the other metrics. */
async function stateOf(dependency: Dependency): Promise<{ name: string; up: 0 | 1 }> {
  const { name } = dependency;
  const up = await withTimeout(dependency.check(), CHECK_MS, name).then(() => 1 as const, () => 0 as const);
  return { name, up };
}
