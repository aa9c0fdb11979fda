/**
 * A page with supabase-js, as a process of its own: signs a user in, and opens a room with each of
 * the documents' token callbacks. Prints the rooms' states as JSON lines. A line on its input signs
 * the user out.
 *
 * Arguments: address of the project, address of the room, then modules whose `createOptions` takes
 * supabase-js.
 */
import { readLines } from "../../../tools/support/processes/read_lines.ts";
import { type Clock, connect, type RoomOptions } from "../../../packages/client/mod.ts";

/** Time of supabase-js runs faster: it repeats a refresh for 26 s, and then none for 60 s. */
const SPEED = 20;

/** Names the version of supabase-js that the function uses. */
const FUNCTION = new URL("../../../supabase/functions/realtime/deno.json", import.meta.url);

const { setTimeout, setInterval, clearTimeout } = globalThis;
const { now } = Date;

/** The clock of the rooms, which agrees with the server's. */
const clock: Clock = {
  now,
  wallNow: now,
  setTimer(callback, ms) {
    const timer = setTimeout(callback, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

function speedUp(): void {
  const startedAt = now();
  Date.now = () => startedAt + (now() - startedAt) * SPEED;
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, ms = 0) => setTimeout(callback, ms / SPEED),
    setInterval: (callback: () => void, ms = 0) => setInterval(callback, ms / SPEED),
  });
}

const [project = "", url = "", ...modules] = Deno.args;
speedUp();
const { imports } = JSON.parse(await Deno.readTextFile(FUNCTION));
const { createClient } = await import(imports["@supabase/supabase-js"]);
const supabase = createClient(project, "sb_publishable_of_the_test");
const { error } = await supabase.auth.signInWithPassword({ email: "alice@example.com", password: "secret" });
if (error) throw error;
const rooms = await Promise.all(modules.map(async (path) => {
  const { createOptions }: { createOptions: (given: unknown) => Pick<RoomOptions, "token"> } = await import(
    path
  );
  const room = connect(url, { ...createOptions(supabase), clock, retry: { minMs: 50, maxMs: 200 } });
  const name = path.match(/(\w+)\.ts$/)?.[1];
  room.on("state", (state) => {
    const code = "reason" in state ? state.reason.code : undefined;
    console.log(JSON.stringify({ room: name, type: state.type, code }));
  });
  return room;
}));

async function signOut(): Promise<void> {
  await supabase.auth.signOut();
  for (const room of rooms) room.reconnect();
}
await readLines(Deno.stdin.readable, () => void signOut());
