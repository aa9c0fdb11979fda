import { assert, assertEquals } from "@std/assert";
import { requestTicket, type WebSocketClass } from "../../../packages/client/mod.ts";
import { BackplaneUnavailable } from "../../../packages/server/src/backplane/contract.ts";
import { startServer } from "../../support/running_server.ts";
import { FollowedRoom } from "./followed_room.ts";

const QUICK = { retry: { minMs: 1, maxMs: 10 } };

/** Makes a WebSocket class that records what sockets are made with. */
function recordingSocket(made: string[]): WebSocketClass {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      made.push(`${url} ${protocols}`);
    }
  };
}

Deno.test("with `ticket` each connect has a new ticket, and no socket has the token", async () => {
  await using running = await startServer();
  const token = await running.issuer.token("alice");
  const made: string[] = [];
  await using followed = FollowedRoom.connect(`${running.origin}/realtime/rooms/r`, {
    ...QUICK,
    token: () => token,
    ticket: requestTicket,
    WebSocket: recordingSocket(made),
  });
  const { room } = followed;
  await room.live();
  assertEquals(await room.publish("chat", 1), 1);
  room.reconnect();
  assertEquals(await room.publish("chat", 2), 2);
  const tickets = made.map((text) => /[?&]ticket=(rt_ticket_[\w-]{43})(&\S*)? realtime\.v1$/.exec(text)?.[1]);
  assertEquals(new Set(tickets).size, 2);
  assert(!tickets.includes(undefined) && !made.join().includes(token), "a ticket, and no token");
});

Deno.test("with `ticket` a refused token and a store that is away are handled as without", async () => {
  await using running = await startServer();
  const { issuer, engine } = running;
  const tokens = ["bad", await issuer.token("alice")];
  const asked: boolean[] = [];
  const { tickets } = engine.deps;
  let isAway = true;
  const issue: typeof tickets.issue = (...request) => {
    if (!isAway) return tickets.issue(...request);
    isAway = false;
    return Promise.reject(new BackplaneUnavailable("The store is away."));
  };
  Object.assign(engine.deps, { tickets: { issue, redeem: tickets.redeem.bind(tickets) } });
  await using followed = FollowedRoom.connect(`${running.origin}/realtime/rooms/r`, {
    ...QUICK,
    ticket: requestTicket,
    token: ({ refresh }) => {
      asked.push(refresh);
      return tokens[refresh ? 1 : 0];
    },
  });
  await followed.room.live();
  assertEquals(asked.slice(0, 2), [false, true]);
  assertEquals(followed.reasons.map(({ code }) => code), ["unavailable"]);
  assert((followed.reasons[0]?.retryAfterMs ?? 0) > 0);
});
