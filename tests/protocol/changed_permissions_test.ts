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

/** A policy that lets everybody do everything, until it says otherwise of a user; `change` resolves when that counts. */
class ChangingPolicy {
  readonly #permissions = new Map<string, RoomPermissions>();
  readonly #again = new Map<string, () => Promise<void>>();

  readonly authorize: Authorize = Object.assign(
    ({ id }: { readonly id: string }) => this.#permissions.get(id) ?? EVERYTHING,
    {
      watch: (user: string, _room: string, again: () => Promise<void>) => {
        this.#again.set(user, again);
        return { refresh: () => {}, stop: () => {} };
      },
    },
  );

  async change(user: string, changes: Partial<RoomPermissions>): Promise<void> {
    this.#permissions.set(user, { ...EVERYTHING, ...changes });
    const again = this.#again.get(user);
    assert(again, `nobody watches ${user}`);
    await again();
  }
}

for (const { kind, plain } of KINDS) {
  Deno.test(`8.6 who may not join any more is told so and closed, ${kind}`, async () => {
    const policy = new ChangingPolicy();
    await using running = await startServer({ deps: { authorize: policy.authorize } });
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await policy.change("bob", { join: false });
    const { code, id } = await bob.next("error");
    assertEquals([code, id], ["forbidden", undefined]);
    assertEquals((await bob.closed()).code, 4403);
    await alice.publish("goes on");
  });

  Deno.test(`8.6 what is taken away and given back counts at once, ${kind}`, async () => {
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
