import { assertEquals } from "@std/assert";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { type RunningServer, type StartOptions, startServer } from "../../support/running_server.ts";
import type { StageActions, TokenKind } from "./stage.ts";

/** A server, a faulty network, and actions on both. `await using` ends it all. */
export interface OpenStage extends AsyncDisposable {
  /** Address for scenarios. */
  readonly address: string;
  readonly proxy: FaultProxy;
  readonly actions: StageActions;
}

const ROOM = "/realtime/rooms/r";
/** A page is of another origin than the stage. */
const CORS = { "access-control-allow-origin": "*" };

/** Differences from the default stage. */
export interface StageOptions extends Pick<StartOptions, "app" | "env"> {
  /** Path of the room. */
  readonly room?: string;
}

/** Opens a stage for one scenario. */
export async function openStage({ env, room = ROOM, ...options }: StageOptions = {}): Promise<OpenStage> {
  const ending = new AbortController();
  const running = await startServer({
    ...options,
    env: { ROOM_POLICY: "claim", ...env },
    signal: ending.signal,
  });
  const proxy = FaultProxy.start(running.port);
  const actions = stageActions(running, proxy, room);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const name = new URL(request.url).pathname.slice(1);
      if (!Object.hasOwn(actions, name)) return new Response(null, { status: 404, headers: CORS });
      try {
        const what = await request.json();
        return Response.json(await actions[name as keyof StageActions](what), { headers: CORS });
      } catch (error) {
        return new Response(String(error), { status: 500, headers: CORS });
      }
    },
  );
  return {
    address: `http://127.0.0.1:${server.addr.port}`,
    proxy,
    actions,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await proxy[Symbol.asyncDispose]();
      // Deno 2.9.6 waits for ever for a peer that was cut off before its upgrade was through.
      ending.abort();
      await running[Symbol.asyncDispose]();
    },
  };
}

function stageActions(running: RunningServer, proxy: FaultProxy, room: string): StageActions {
  function token(user: string, kind: TokenKind): Promise<string> {
    const rooms = kind === "banned" ? [] : ["*"];
    const expiry = kind === "expired" ? { exp: Math.floor(Date.now() / 1000) - 60 } : {};
    return running.issuer.token(user, { claims: { app_metadata: { rooms }, ...expiry } });
  }

  return {
    where: () => ({ proxied: proxy.url(room), direct: running.origin + room }),
    token: ({ user, kind }) => token(user, kind),
    async publish({ count }) {
      const authorization = `Bearer ${await token("bob", "good")}`;
      for (let n = 1; n <= count; n++) {
        const response = await fetch(`${running.origin}${room}/messages`, {
          method: "POST",
          headers: { authorization, "content-type": "application/json" },
          body: JSON.stringify({ id: crypto.randomUUID(), event: "chat", data: { n } }),
        });
        assertEquals(response.status, 201, await response.text());
      }
      return null;
    },
    cut() {
      proxy.cutAll();
      return null;
    },
    refuse() {
      proxy.refuse();
      proxy.cutAll();
      return null;
    },
    hold() {
      proxy.hold();
      return null;
    },
    mend() {
      proxy.heal();
      return null;
    },
    requests: () => proxy.requests.map((request) => request.replace(/^\S+ |\?.*$/g, "")),
  };
}
