import { endpoint } from "../endpoint.ts";
import { secretKey } from "../middleware/secret_key.ts";

/**
 * `GET /metrics`: what this isolate has counted, for Prometheus. Each isolate counts for itself.
 */
export const metrics = endpoint().get("/", secretKey, (c) => {
  const { metrics, connections, rooms } = c.env.deps;
  const { rooms: roomCount, members } = rooms.count();
  const text = metrics.text({
    connections: connections.count,
    rooms: roomCount,
    members,
    ageSeconds: Math.round(connections.ageMs / 1000),
  });
  return c.body(text, 200, {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "cache-control": "no-store",
  });
});
