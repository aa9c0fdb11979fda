import { createEndpoint } from "../endpoint.ts";
import { secretKey } from "../middleware/secret_key.ts";

/** `GET /metrics`: what this isolate has counted, for Prometheus. Each isolate counts for itself. */
export const metrics = createEndpoint().get("/", secretKey, (c) => {
  const { metrics, isolate, rooms } = c.get("services");
  const { rooms: roomCount, members } = rooms.count();
  const text = metrics.text({
    connections: isolate.connections,
    rooms: roomCount,
    members,
    ageSeconds: Math.round(isolate.ageMs / 1000),
  });
  return c.body(text, 200, {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "cache-control": "no-store",
  });
});
