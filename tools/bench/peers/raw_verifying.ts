/**
 * Lower bound of the cost of a connect with a new token on Deno: verifies it with jose, and does
 * nothing else.
 * @module
 */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { LISTEN } from "./listen.ts";

const keySet = createLocalJWKSet(JSON.parse(Deno.env.get("SUPABASE_JWKS") ?? "") as JSONWebKeySet);

Deno.serve(LISTEN, async (request) => {
  const token = new URL(request.url).searchParams.get("token") ?? "";
  await jwtVerify(token, keySet, { audience: "authenticated", algorithms: ["ES256"] });
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(`Echo: ${event.data}`);
  return response;
});
