import { assert, assertEquals } from "@std/assert";
import { FanOut } from "../../packages/server/src/rooms/outbound/fan_out.ts";
import { ManualScheduler, RecordingRecipient, sendNumbers } from "./recipients.ts";

/** A fan-out with recipients in it. */
function fanOutTo(...recipients: readonly RecordingRecipient[]) {
  const scheduler = new ManualScheduler();
  const fanOut = new FanOut<RecordingRecipient>(scheduler);
  for (const recipient of recipients) fanOut.add(recipient);
  return { scheduler, fanOut };
}

Deno.test("frames of one tick are joined for who takes that, and single for who does not", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const { scheduler, fanOut } = fanOutTo(one, plain);
  sendNumbers(fanOut, 1, 2, 3, 4);
  scheduler.settleAll();
  assertEquals(one.frames, [1, 2, 3, 4]);
  assert(one.sent.length < 4, "nothing was joined");
  assertEquals(plain.sent, ["1", "2", "3", "4"]);
});

Deno.test("a frame alone in its tick is no array, and nothing is left when the tick has settled", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  for (const number of [1, 2, 3]) {
    sendNumbers(fanOut, number);
    scheduler.settleAll();
  }
  assertEquals(one.sent, ["1", "2", "3"]);
  scheduler.settleAll();
  assert(!scheduler.isAwaited, "it goes on waiting for nothing");
});

Deno.test("one text serves all who take joined frames", () => {
  const members = [new RecordingRecipient(), new RecordingRecipient()];
  const { scheduler, fanOut } = fanOutTo(...members);
  sendNumbers(fanOut, 1, 2, 3);
  scheduler.settleAll();
  const [one, other] = members;
  assertEquals(one?.frames, [1, 2, 3]);
  assertEquals(one?.sent, other?.sent);
});

Deno.test("a frame for one comes in order with those for all", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const other = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one, plain, other);
  fanOut.toOne(one, '"a"', "reply");
  assertEquals(one.sent, ['"a"'], "nothing waits: it goes out at once");
  sendNumbers(fanOut, 1);
  fanOut.toOne(one, '"b"', "reply");
  sendNumbers(fanOut, 2);
  fanOut.toOne(one, '"c"', "reply");
  fanOut.toOne(plain, '"d"', "reply");
  sendNumbers(fanOut, 3);
  fanOut.toOne(one, '"e"', "reply");
  fanOut.toOne(one, '"f"', "reply");
  scheduler.settleAll();
  assertEquals(one.frames, ["a", 1, "b", 2, "c", 3, "e", "f"]);
  assertEquals(plain.frames, [1, 2, "d", 3]);
  assertEquals(plain.sent.length, 4);
  assertEquals(other.frames, [1, 2, 3]);
});

Deno.test("who sees no presence gets the rest, in order and joined", () => {
  const blind = new RecordingRecipient({ seesPresence: false });
  const plainBlind = new RecordingRecipient({ seesPresence: false, joinsFrames: false });
  const { scheduler, fanOut } = fanOutTo(blind, plainBlind);
  fanOut.toAll('"here"', "presence");
  sendNumbers(fanOut, 1);
  fanOut.toAll('"gone"', "presence");
  sendNumbers(fanOut, 2);
  fanOut.toOne(blind, '"members"', "presence");
  scheduler.settleAll();
  assertEquals(blind.sent, ["[1,2]"]);
  assertEquals(plainBlind.sent, ["1", "2"]);
  fanOut.toAll('"back"', "presence");
  scheduler.settleAll();
  scheduler.settleAll();
  assertEquals(blind.sent.length, 1, "an empty array was sent");
});

Deno.test("a slow recipient gets nothing ephemeral, and all again when it has caught up", () => {
  const slow = new RecordingRecipient({ isSlow: true });
  const quick = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(slow, quick);
  fanOut.toAll('"e1"', "ephemeral");
  fanOut.toAll('"e2"', "ephemeral");
  sendNumbers(fanOut, 1);
  fanOut.toOne(slow, '"e3"', "ephemeral");
  fanOut.toOne(slow, '"ack"', "reply");
  scheduler.settleAll();
  assertEquals(slow.frames, [1, "ack"]);
  assertEquals(quick.frames, ["e1", "e2", 1]);
  slow.isSlow = false;
  fanOut.toAll('"e4"', "ephemeral");
  scheduler.settleAll();
  scheduler.settleAll();
  assertEquals(slow.frames, [1, "ack", "e4"]);
});

Deno.test("who is added gets nothing of before, and what waited for the others goes out then", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  sendNumbers(fanOut, 1, 2);
  const late = new RecordingRecipient();
  fanOut.add(late);
  assertEquals(one.frames, [1, 2]);
  sendNumbers(fanOut, 3);
  scheduler.settleAll();
  assertEquals(late.frames, [3]);
});

Deno.test("who is taken off gets nothing more, not what waited either; a reply to it does no harm", () => {
  const one = new RecordingRecipient();
  const other = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one, other);
  sendNumbers(fanOut, 1, 2);
  fanOut.toOne(one, '"mine"', "reply");
  const { frames } = one;
  fanOut.delete(one);
  fanOut.delete(one);
  sendNumbers(fanOut, 3);
  scheduler.settleAll();
  assertEquals(one.frames, frames);
  assert(frames.length < 3, "nothing waited");
  assertEquals(other.frames, [1, 2, 3]);
  assertEquals([...fanOut.recipients], [other]);
  fanOut.toOne(one, '"late"', "reply");
  scheduler.settleAll();
  assertEquals(other.frames, [1, 2, 3]);
});

Deno.test("what waits is sent before the scheduler ends when it gets long", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  const long = JSON.stringify("a".repeat(30_000));
  for (let count = 0; count < 10; count++) fanOut.toAll(long, "message");
  assert(one.frames.length >= 9, "it waits");
  for (const text of one.sent) assert(text.length < 150_000, "a message is not of a handy size");
  scheduler.settleAll();
  assertEquals(one.frames.length, 10);
});

Deno.test("flush sends what waits, in order, and once", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  sendNumbers(fanOut, 1, 2, 3);
  fanOut.flush();
  assertEquals(one.frames, [1, 2, 3]);
  fanOut.flush();
  scheduler.settleAll();
  assertEquals(one.frames, [1, 2, 3]);
});

Deno.test("without recipients nothing is done", () => {
  const { scheduler, fanOut } = fanOutTo();
  sendNumbers(fanOut, 1, 2);
  assert(!scheduler.isAwaited);
});

/** A fan-out to so many that take joined frames, and one of them. */
function fanOutToMany(count = 16) {
  const recipients = Array.from({ length: count }, () => new RecordingRecipient());
  const [one] = recipients;
  assert(one);
  return { one, ...fanOutTo(...recipients) };
}

Deno.test("what comes after much came together is held until it is as much, or a moment has passed", () => {
  const { one, scheduler, fanOut } = fanOutToMany();
  sendNumbers(fanOut, 1, 2, 3);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]"], "nothing came before: nothing is waited for");
  scheduler.time += 1;
  sendNumbers(fanOut, 4);
  scheduler.settleTick();
  assert(scheduler.isDelaying);
  sendNumbers(fanOut, 5);
  scheduler.settleTick();
  assertEquals(one.sent.length, 1);
  sendNumbers(fanOut, 6);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]", "[4,5,6]"]);
  assert(!scheduler.isAwaited, "it holds nothing and goes on waiting");
  for (const number of [7, 8]) {
    sendNumbers(fanOut, number);
    scheduler.settleTick();
    assert(scheduler.isDelaying);
    scheduler.settleAll();
    assertEquals(one.sent.at(-1), String(number), "the moment has passed");
  }
  sendNumbers(fanOut, 9);
  scheduler.settleTick();
  assertEquals(one.sent.at(-1), "9", "one came each time: one is waited for");
});

Deno.test("a room that was at rest holds nothing", () => {
  const { one, scheduler, fanOut } = fanOutToMany();
  sendNumbers(fanOut, 1, 2, 3);
  scheduler.settleTick();
  scheduler.time += 6;
  sendNumbers(fanOut, 4);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]", "4"]);
});

Deno.test("for few who take joined frames nothing is held, and plain ones do not count", () => {
  const { one, scheduler, fanOut } = fanOutToMany(15);
  fanOut.add(new RecordingRecipient({ joinsFrames: false }));
  const leaving = new RecordingRecipient();
  fanOut.add(leaving);
  fanOut.add(leaving);
  fanOut.delete(leaving);
  fanOut.delete(leaving);
  sendNumbers(fanOut, 1, 2);
  scheduler.settleTick();
  sendNumbers(fanOut, 3);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2]", "3"]);
  fanOut.add(new RecordingRecipient());
  sendNumbers(fanOut, 4, 5);
  scheduler.settleTick();
  sendNumbers(fanOut, 6);
  scheduler.settleTick();
  assert(scheduler.isDelaying, "sixteen are enough");
  fanOut.flush();
  assertEquals(one.sent.at(-1), "6");
  assert(!scheduler.isAwaited, "what was flushed is still held");
});
