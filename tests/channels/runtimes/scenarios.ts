/**
 * Scenarios of an application with supabase-js, with the same result on every runtime. Each opens
 * its clients as docs/supabase-js.md says.
 */
import { expect, expectEqual, soon } from "../../client/runtimes/expectation.ts";
import { oneTo } from "../../client/runtimes/room_recorder.ts";
import type { JoinedChannel } from "../../support/channels/joined_channel.ts";
import type { SupabaseJs } from "../../support/channels/supabase_js.ts";
import { type AppStage, openAppStage } from "./app_stage.ts";

/** A scenario. */
export interface AppScenario {
  /** A sentence; the test's name. */
  readonly name: string;
  /** True if it needs a client with `persist`. */
  readonly stores?: boolean;
  /** Rejects when it does not hold. */
  run(stage: AppStage): Promise<void>;
}

/** The room of the stage; its test stores messages there. */
const STORED = "r";

export const SCENARIOS: readonly AppScenario[] = [
  {
    name: "a public channel delivers text and bytes to both, in the sender's order",
    async run({ open }) {
      const sender = await (await open("alice")).join("lobby", { broadcast: { self: true, ack: true } });
      const other = await (await open("bob")).join("lobby");
      const bytes = Uint8Array.from({ length: 3_000 }, (_, at) => at % 256);
      expectEqual(await sender.send("text", { ü: "ö" }), "ok", "answer to the text");
      expectEqual(await sender.send("bytes", bytes.buffer), "ok", "answer to the bytes");
      for (const channel of [sender, other]) {
        const [text, file] = await channel.untilReceived(2);
        expectEqual([text?.event, text?.payload], ["text", { ü: "ö" }], "text");
        expectEqual([file?.event, bytesOf(file?.payload)], ["bytes", [...bytes]], "bytes");
      }
    },
  },
  {
    name: "a private channel lets in whom the policy lets in",
    async run({ open }) {
      const member = await (await open("alice")).join("team", { private: true, broadcast: { ack: true } });
      expectEqual(await member.send("a", {}), "ok", "answer to the member");
      const { status, error } = await (await open("eve", "banned")).subscribe("team", { private: true });
      expectEqual(status, "CHANNEL_ERROR", "status of the stranger");
      expect(error?.message.includes("Unauthorized: You do not have") === true, `${error} says why`);
      const stranger = await (await open("eve", "banned")).join("team", { broadcast: { ack: true } });
      expectEqual(await stranger.send("b", {}), "ok", "answer in the public channel of that name");
      expectEqual(member.received, [], "broadcasts of the public channel");
    },
  },
  {
    name: "members see each other come and leave",
    async run({ open }) {
      const alice = await (await open("alice")).join("desk", { presence: { key: "alice" } });
      expectEqual(await alice.channel.track({ mood: "well" }), "ok", "answer to track");
      const bob = await (await open("bob")).join("desk", { presence: { key: "bob" } });
      expectEqual(await bob.channel.track({ mood: "fine" }), "ok", "answer to track");
      for (const member of [alice, bob]) {
        await member.until(() => moods(member).length === 2);
        expectEqual(moods(member), ["alice well", "bob fine"], "moods");
      }
      await bob.channel.untrack();
      await alice.until(() => alice.presence.includes("leave bob"));
      expectEqual(moods(alice), ["alice well"], "moods of those who are left");
    },
  },
  {
    name: "stored messages arrive once each and in order, over a reconnect with replay",
    async run({ open, stage }) {
      const config = { private: true, broadcast: { replay: { since: Date.now() - 60_000 } } };
      await stage.publish(3);
      const channel = await (await open("alice")).join(STORED, config);
      await channel.untilReceived(3);
      await stage.refuse();
      // The time of absence.
      await stage.publish(3);
      await stage.mend();
      await channel.until(() => numbers(channel).length === 6);
      // Live again.
      await stage.publish(1);
      await channel.until(() => numbers(channel).length === 7);
      expectEqual(numbers(channel), [1, 2, 3, 1, 2, 3, 1], "numbers, without those that came twice");
      const { meta } = channel.received.find(({ meta }) => meta?.replayed !== true) ?? {};
      expect(meta?.id !== undefined, "a live message has its id too");
    },
  },
  {
    name: "httpSend reaches the members of public and private channels",
    async run({ open }) {
      for (const isPrivate of [false, true]) {
        const member = await (await open("alice")).join("news", { private: isPrivate });
        const sender = (await open("bob")).channel("news", { private: isPrivate });
        const sent = [
          await sender.httpSend("te xt", { n: 1 }),
          await sender.httpSend("bytes", new Uint8Array([1, 2, 255]).buffer),
        ];
        expectEqual(sent, [{ success: true }, { success: true }], "answers");
        const [text, bytes] = await member.untilReceived(2);
        expectEqual([text?.event, text?.payload], ["te xt", { n: 1 }], "text");
        expectEqual([bytes?.event, bytesOf(bytes?.payload)], ["bytes", [1, 2, 255]], "bytes");
      }
    },
  },
  {
    name: "what `persist` stored is replayed to a later member, sent by socket or by HTTP",
    stores: true,
    async run({ open }) {
      const sender = await (await open("alice")).join("log", { private: true, broadcast: { ack: true } });
      for (const n of oneTo(30)) {
        expectEqual(await sender.send("line", { n }, { persist: true }), "ok", `answer ${n}`);
      }
      expectEqual(await sender.send("line", { n: 0 }), "ok", "answer to a broadcast that is not stored");
      const sent = await sender.channel.httpSend("line", { n: 31 }, { persist: true });
      expectEqual(sent, { success: true }, "answer over HTTP");
      const replay = { since: Date.now() - 60_000 };
      const later = await (await open("bob")).join("log", { private: true, broadcast: { replay } });
      await later.untilReceived(31);
      expectEqual(numbers(later), oneTo(31), "numbers");
    },
  },
];

/** Runs a scenario with a client, on the stage at an address. */
export async function runScenario(client: SupabaseJs, name: string, address: string): Promise<void> {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (!scenario) throw new Error(`There is no scenario "${name}".`);
  const stage = await openAppStage(client, address);
  try {
    await scenario.run(stage);
  } finally {
    await soon(stage.close(), "the clients to be closed");
  }
}

function bytesOf(payload: unknown): unknown {
  return payload instanceof ArrayBuffer ? [...new Uint8Array(payload)] : payload;
}

/** The `n` of each broadcast with an id, once; and of those without. */
function numbers({ received }: JoinedChannel): number[] {
  const known = new Set<string>();
  return received
    .filter(({ meta }) => meta?.id === undefined || known.size < known.add(meta.id).size)
    .map(({ payload }) => (payload as { n: number }).n);
}

/** Presence as text: key and mood of each, in order of the keys. */
function moods({ channel }: JoinedChannel): string[] {
  return Object.entries(channel.presenceState<{ mood: string }>())
    .flatMap(([key, metas]) => metas.map(({ mood }) => `${key} ${mood}`))
    .sort();
}
