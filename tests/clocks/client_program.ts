/** A client in its own process. Writes each state as a line, and publishes what it reads. */
import { connect } from "../../packages/client/mod.ts";

const [url = "", token = ""] = Deno.args;
const room = connect(url, {
  token: () => token,
  retry: { minMs: 300, maxMs: 300 },
  timeouts: { probeMs: 400, connectMs: 2_000 },
});
const write = (line: unknown) => console.log(JSON.stringify(line));
room.on("state", ({ type }) => write({ event: type }));
