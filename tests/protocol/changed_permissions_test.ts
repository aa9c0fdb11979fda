/** docs/protocol.md, rule 8.6. */
import { assert, assertEquals } from "@std/assert";
import {
  type Authorize,
  EVERYTHING,
  type RoomPermissions,
} from "../../packages/server/src/rooms/policy/authorize.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** Policy that allows everything until `change`, which resolves once the change applies. */
class ChangingPolicy {
  readonly #permissions = new Map<string, RoomPermissions>();
  readonly #refreshes = new Map<string, () => Promise<void>>();

  readonly authorize: Authorize = Object.assign(
    ({ id }: { readonly id: string }) => this.#permissions.get(id) ?? EVERYTHING,
    {
      watch: (user: string, _room: string, refresh: () => Promise<void>) => {
        this.#refreshes.set(user, refresh);
        return { refresh: () => {}, stop: () => {} };
      },
    },
  );

  async change(user: string, changes: Partial<RoomPermissions>): Promise<void> {
    this.#permissions.set(user, { ...EVERYTHING, ...changes });
    const refresh = this.#refreshes.get(user);
    assert(refresh, `no connection of ${user} watches`);
    await refresh();
  }
}

for (const { kind, plain } of KINDS) {
  Deno.test(`8.6 a member that may no longer join gets forbidden and is closed: ${kind}`, async () => {
    const policy = new ChangingPolicy();
    await using running = await startServer({ deps: { authorize: policy.authorize } });
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await policy.change("bob", { join: false });
    const { code, id } = await bob.next("error");
    assertEquals([code, id], ["forbidden", undefined]);
    assertEquals((await bob.closed()).code, 4403);
    await alice.publish("still connected");
  });

  Deno.test(`8.6 a permission that is revoked or granted applies at once: ${kind}`, async () => {
    const policy = new ChangingPolicy();
    await using running = await startServer({ deps: { authorize: policy.authorize } });
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await bob.request({ type: "presence", id: "enter", state: {} });
    await alice.next("presence");
    assertEquals((await alice.next("presence")).joined?.[0]?.user, "bob");

    await policy.change("bob", { publish: false, presence: false });
    assertEquals((await alice.next("presence")).left?.[0]?.user, "bob");
    const answer = await bob.request(publishFrame("x"));
    assertEquals([answer.type, answer.type === "error" && answer.code], ["error", "forbidden"]);

    await bob.takeAll();
    await policy.change("bob", {});
    assertEquals((await bob.next("presence")).members, []);
    assertEquals((await bob.request(publishFrame("y"))).type, "ack");
  });
}
