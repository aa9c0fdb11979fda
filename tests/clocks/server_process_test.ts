/** The function in its own process, whose wall clock steps by an hour. */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { startFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { isWithoutFakeTime } from "../isolates/shifted_clock.ts";
import { createSteppedClock } from "./stepped_clock.ts";

const HOUR_SECONDS = 3_600;
const PER_SECOND = 4;
const BURST = 40;

const env = {
  BACKPLANE: "memory",
  FRAMES_PER_SECOND: String(PER_SECOND),
  FRAMES_BURST: String(BURST),
  // Shorter than the step, longer than the test.
  HISTORY_SECONDS: "600",
  DEDUPE_SECONDS: "600",
};

/** A member that publishes one frame per message. */
async function publish(member: TcpMember, ids: readonly string[]): Promise<ServerFrame[]> {
  const frames = ids.map((id) => ({ type: "publish", id, event: "chat", data: id }));
  await member.sendTexts(frames.map((frame) => JSON.stringify(frame)));
  // Refusals overtake acks.
  const left = new Set(ids);
  const isAnswer = (frame: ServerFrame) =>
    frame.type !== "message" && "id" in frame && left.delete(frame.id ?? "");
  const answers: ServerFrame[] = [];
  while (left.size > 0) answers.push(await member.until(isAnswer, `answers to ${[...left]}`));
  return answers;
}

function named(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

const countAcks = (answers: readonly ServerFrame[]) => answers.filter(({ type }) => type === "ack").length;

for (const hours of [-1, 1]) {
  Deno.test({
    name: `a server whose wall clock steps by ${hours} h keeps its rates, history and dedupe`,
    ignore: isWithoutFakeTime,
    fn: async () => {
      await using clock = await createSteppedClock();
      const issuer = await createIssuer();
      await using server = await startFunctionProcess({
        env: { ...env, ...clock.env, SUPABASE_JWKS: JSON.stringify(issuer.jwks) },
      });
      // Valid at either time.
      const exp = Math.floor(Date.now() / 1000) + 3 * HOUR_SECONDS;
      const token = await issuer.token("alice", { claims: { exp } });
      const room = `ws://127.0.0.1:${server.port}/realtime/rooms/r?token=${token}`;
      const [member] = await TcpMember.join(room);
      await using _ = member;

      const [first] = await publish(member, ["first"]);
      assertEquals(first, { type: "ack", id: "first", offset: 1 });
      const emptiedAt = performance.now();
      const before = countAcks(await publish(member, named("before", 2 * BURST)));
      await clock.set(hours * HOUR_SECONDS);

      // Into the future: the bucket is not full again.
      const stepped = countAcks(await publish(member, named("stepped", BURST)));
      const seconds = (performance.now() - emptiedAt) / 1000;
      assertLessOrEqual(before + stepped, BURST + seconds * PER_SECOND);

      // Into the past: a member that obeys `retry_after_ms` goes on at the same rate.
      const [accepted] = await publishWhenAllowed(member, "obedient");
      assertEquals(accepted?.type, "ack", "refused for ever");

      const [again] = await publishWhenAllowed(member, "first");
      assertEquals(again, { type: "ack", id: "first", offset: 1 }, "the repetition is not recognized");
      const response = await fetch(
        `http://127.0.0.1:${server.port}/realtime/rooms/r/messages?after=0&limit=1&token=${token}`,
      );
      const { messages: [oldest] } = await response.json();
      assertEquals(oldest?.offset, 1, "history is gone");

      // The step did happen: only `at` shows it.
      const last = member.frames.findLast(({ type }) => type === "message");
      assert(last?.type === "message");
      assertGreater((last.at - oldest.at) * hours, 0.9 * HOUR_SECONDS * 1000);
    },
  });
}

/** Publishes one message as often as its rate demands. */
async function publishWhenAllowed(member: TcpMember, id: string): Promise<ServerFrame[]> {
  for (let round = 0;; round++) {
    const answers = await publish(member, [id]);
    const [answer] = answers;
    if (answer?.type !== "error" || answer.code !== "rate_limited" || round === 40) return answers;
    await new Promise((resolve) => setTimeout(resolve, answer.retry_after_ms));
  }
}
