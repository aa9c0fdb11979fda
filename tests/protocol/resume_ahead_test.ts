/** docs/protocol.md, rule 6.4: a client that has messages which its isolate gets later. */
import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { RoomClient, roomUrl } from "../support/room_client.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

/** Holds events of rooms back. */
interface Held {
  /** Resolves once a join after offset 2 has read history. */
  readonly hasRead: Promise<void>;
  /** Delivers what was held back, and everything later. */
  release(): void;
}

function holdEvents(running: RunningServer): Held {
  const backplane = backplaneOf(running);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: hasRead, resolve: read } = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      subscribe: (room, deliver) =>
        backplane.subscribe(room, (event: RoomEvent) => void released.then(() => deliver(event))),
      history: async (room, page) => {
        const found = await backplane.history(room, page);
        if ("after" in page && page.after === 2) read();
        return found;
      },
    }),
  });
  return { hasRead, release };
}

Deno.test("6.4 an isolate that is behind a resuming client waits for the messages: no gap, nothing twice", async () => {
  await using running = await startServer();
  const held = holdEvents(running);
  await using _member = await RoomClient.join(running, "r");
  const epoch = await storeMessages(running, "r", 3);
  const joining = RoomClient.join(running, "r", { user: "bob", query: { after: 2, epoch } });
  await deadline(held.hasRead, PATIENCE_MS);
  held.release();
  await using bob = await joining;
  assertEquals([bob.welcome.offset, bob.welcome.recovered], [3, true]);
  assertEquals(await bob.offsets(1), [3]);
  assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence"]);
});

Deno.test("6.4 a join whose messages do not come is refused, and may be repeated", async () => {
  await using running = await startServer();
  const held = holdEvents(running);
  await using _member = await RoomClient.join(running, "r");
  const epoch = await storeMessages(running, "r", 3);
  await using socket = await SocketClient.open(await roomUrl(running, "r", { query: { after: 2, epoch } }));
  const { type, code, retry_after_ms } = JSON.parse(String(await socket.next()));
  assertEquals([type, code, retry_after_ms > 0], ["error", "unavailable", true]);
  assertEquals((await socket.closed()).code, 1013);
  held.release();
  await using bob = await RoomClient.join(running, "r", { user: "bob", query: { after: 3, epoch } });
  assertEquals(bob.welcome.recovered, true);
});
