/** docs/protocol.md, rule 18.9: code of an endpoint that fails, hangs or returns nonsense. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";

const mount = "/x";
const never = new Promise<never>(() => {});

let deep: unknown = 1;
for (let level = 0; level < 65; level++) deep = [deep];
const cycle: { self?: unknown } = {};
cycle.self = cycle;

/** Results that are no message, each as the hook of another test message. */
const NONSENSE: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  null: () => null,
  text: () => "message",
  emptyEvent: () => ({ event: "", data: 1 }),
  noData: () => ({ event: "chat" }),
  function: () => ({ event: "chat", data: () => 1 }),
  bigint: () => ({ event: "chat", data: 1n }),
  deep: () => ({ event: "chat", data: deep }),
  cycle: () => ({ event: "chat", data: cycle }),
  large: () => ({ event: "chat", data: "x".repeat(70_000) }),
  rejectsWithNull: () => Promise.reject(null),
  rejects: () => Promise.reject(new Error("secret")),
  badThen: () => ({
    then() {
      throw new Error("secret");
    },
  }),
};

Deno.test("18.9 a hook that throws or returns nonsense is answered with internal, for its own message only", async () => {
  await using running = await startRoomEndpoint({
    name: "x",
    // deno-lint-ignore no-explicit-any
    onPublish: (message): any =>
      NONSENSE[String(message.data)]?.() ?? (message.data === "fine" ? message : null),
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  await using bob = await RoomClient.join(running, "r", { mount, user: "bob" });
  for (const kind of Object.keys(NONSENSE)) {
    // Ephemeral: a failed durable message holds later ones back until it is repeated.
    const answer = await alice.request(publishFrame(kind, { ephemeral: true }));
    assert(answer.type === "error" && answer.code === "internal", `${kind}: ${JSON.stringify(answer)}`);
    assert(!JSON.stringify(answer).includes("secret"));
  }
  assertEquals((await bob.publish("fine")).offset, 1);
  assertEquals((await alice.next("message")).data, "fine");
  assertEquals((await alice.publish("fine")).offset, 2);
  const lines = await running.logged("hook.failed", Object.keys(NONSENSE).length);
  assertEquals(new Set(lines.map(({ hook, user }) => `${hook} ${user}`)), new Set(["onPublish alice"]));
});

Deno.test("18.9 a message that a hook changes after it is sent, or while it waits, stays as it was", async () => {
  const kept: { event: string; data: unknown }[] = [];
  await using running = await startRoomEndpoint({
    name: "x",
    onPublish(message) {
      const changed = { event: message.event, data: { text: "sent" } };
      kept.push(changed);
      return changed;
    },
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  await alice.publish(1);
  for (const message of kept) message.data = { text: "later" };
  await using bob = await RoomClient.join(running, "r", { mount, user: "bob", query: { history: 1 } });
  assertEquals((await bob.next("message")).data, { text: "sent" });
});

Deno.test("18.9 hooks of one member that never end cost the others nothing", async () => {
  await using running = await startRoomEndpoint({
    name: "x",
    onPublish: (message, { user }) => user?.id === "mallory" ? never : message,
  }, { env: { HOOK_TIMEOUT_MS: "100", MAX_QUEUED_FRAMES: "8" } });
  await using mallory = await RoomClient.join(running, "r", { mount, user: "mallory" });
  await using alice = await RoomClient.join(running, "r", { mount });
  const hanging = Array.from({ length: 20 }, (_, index) => publishFrame(index, { ephemeral: true }));
  mallory.send(hanging);
  for (let offset = 1; offset <= 50; offset++) assertEquals((await alice.publish(offset)).offset, offset);
  const codes = [];
  for (const { id } of hanging) {
    const answer = await mallory.answer(id);
    codes.push(answer.type === "error" && answer.code);
  }
  assertEquals(codes.filter((code) => code === "rate_limited").length, 12);
  assertEquals(codes.filter((code) => code === "timeout").length, 8);
});

Deno.test("18.9 a call that fails, hangs or returns nonsense is answered, and no other call suffers", async () => {
  const anything = { input: z.unknown(), output: z.unknown() };
  await using running = await startRoomEndpoint({
    name: "x",
    rpc: {
      fine: { input: z.number(), output: z.number(), handler: (one) => one },
      throws: {
        ...anything,
        handler() {
          throw new Error("secret");
        },
      },
      rejects: { ...anything, handler: () => Promise.reject(new Error("secret")) },
      wrongOutput: { input: z.unknown(), output: z.number(), handler: () => "text" as unknown as number },
      notJson: { ...anything, handler: () => 1n },
      cycle: { ...anything, handler: () => cycle },
      large: { ...anything, handler: () => "x".repeat(300_000) },
      badSchema: {
        input: z.unknown().check(z.refine(() => {
          throw new Error("secret");
        })),
        output: z.unknown(),
        handler: () => 1,
      },
      hangs: { ...anything, handler: () => never },
    },
  }, { env: { HOOK_TIMEOUT_MS: "100" } });
  await using alice = await RoomClient.join(running, "r", { mount });
  const kinds = ["throws", "rejects", "wrongOutput", "notJson", "cycle", "large", "badSchema", "hangs"];
  alice.send(kinds.map((method) => ({ type: "call", id: method, method, data: 1 } as const)));
  for (let data = 0; data < 20; data++) {
    const answer = await alice.request({ type: "call", id: `fine-${data}`, method: "fine", data });
    assertEquals(answer, { type: "result", id: `fine-${data}`, data });
  }
  for (const kind of kinds) {
    const answer = await alice.answer(kind);
    assert(answer.type === "error");
    assertEquals(answer.code, kind === "hangs" ? "timeout" : "internal", kind);
    assert(!JSON.stringify(answer).includes("secret"));
  }
  const lines = await running.logged("hook.failed", kinds.length);
  assertEquals(new Set(lines.map(({ hook }) => hook)), new Set(kinds));
});
