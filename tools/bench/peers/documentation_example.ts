/**
 * Peer of boot: a WebSocket function in one file, as in Supabase's documentation.
 * The bench adds the address and the listening line. A plain GET gets a 200 instead of the
 * documented 400, so that both sides give the same first answer.
 * @module
 */
// deno-lint-ignore no-import-prefix -- the function imports jose and supabase-js, not the root; same version here
import { createClient } from "npm:@supabase/supabase-js@2.119.1";
import { LISTEN } from "./listen.ts";

const supabase = createClient(
  Deno.env.get("SUPABASE_URL") ?? "",
  Deno.env.get("SUPABASE_PUBLISHABLE_KEY") ?? "",
);

Deno.serve(LISTEN, async (request) => {
  const upgrade = request.headers.get("upgrade") ?? "";
  if (upgrade.toLowerCase() !== "websocket") return Response.json({ status: "ok" });

  const jwt = new URL(request.url).searchParams.get("jwt");
  if (jwt === null) return new Response("Auth token not provided", { status: 403 });

  const { error, data } = await supabase.auth.getUser(jwt);
  if (error !== null) return new Response("Invalid token provided", { status: 403 });
  if (data.user === null) return new Response("User is not authenticated", { status: 403 });

  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => console.log("socket opened");
  socket.onmessage = (event) => socket.send(`Echo: ${event.data}`);
  socket.onerror = () => console.log("socket errored");
  socket.onclose = () => console.log("socket closed");
  return response;
});
