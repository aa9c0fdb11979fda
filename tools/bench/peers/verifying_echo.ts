/**
 * Lower bound of the cost of a connect with a new token on Deno: one server verifies it with jose,
 * and does nothing else. The sum of a raw connect and a verification comes from two processes
 * instead.
 * @module
 */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";

const keySet = createLocalJWKSet(JSON.parse(Deno.env.get("SUPABASE_JWKS") ?? "") as JSONWebKeySet);

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, async (request) => {
  const token = new URL(request.url).searchParams.get("token") ?? "";
  await jwtVerify(token, keySet, { audience: "authenticated", algorithms: ["ES256"] });
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(`Echo: ${event.data}`);
  return response;
});
