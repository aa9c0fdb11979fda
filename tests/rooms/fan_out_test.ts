import { assert, assertEquals } from "@std/assert";
import { FanOut } from "../../packages/server/src/rooms/outbound/fan_out.ts";
import { ManualScheduler, RecordingRecipient, sendNumbers } from "./recipients.ts";

/** Creates a fan-out with recipients. */
function fanOutTo(...recipients: readonly RecordingRecipient[]) {
  const scheduler = new ManualScheduler();
  const fanOut = new FanOut<RecordingRecipient>(scheduler);
  for (const recipient of recipients) fanOut.add(recipient);
  return { scheduler, fanOut };
}

Deno.test("frames of one tick are joined for realtime.v1 recipients, and single for plain ones", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const { scheduler, fanOut } = fanOutTo(one, plain);
  sendNumbers(fanOut, 1, 2, 3, 4);
  scheduler.settleAll();
  assertEquals(one.frames, [1, 2, 3, 4]);
  assert(one.sent.length < 4, "no frames were joined");
  assertEquals(plain.sent, ["1", "2", "3", "4"]);
});

Deno.test("a single frame of a tick is no array, and nothing is pending after the tick", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  for (const number of [1, 2, 3]) {
    sendNumbers(fanOut, number);
    scheduler.settleAll();
  }
  assertEquals(one.sent, ["1", "2", "3"]);
  scheduler.settleAll();
  assert(!scheduler.isAwaited, "the scheduler still waits");
});

Deno.test("all realtime.v1 recipients get the same joined text", () => {
  const members = [new RecordingRecipient(), new RecordingRecipient()];
  const { scheduler, fanOut } = fanOutTo(...members);
  sendNumbers(fanOut, 1, 2, 3);
  scheduler.settleAll();
  const [one, other] = members;
  assertEquals(one?.frames, [1, 2, 3]);
  assertEquals(one?.sent, other?.sent);
});

Deno.test("a unicast frame keeps its order among broadcast frames", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const other = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one, plain, other);
  fanOut.toOne(one, '"a"', "reply");
  assertEquals(one.sent, ['"a"'], "the first frame must be sent at once");
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

Deno.test("a recipient without presence gets the other frames, in order and joined", () => {
  const withoutPresence = new RecordingRecipient({ seesPresence: false });
  const plainWithoutPresence = new RecordingRecipient({ seesPresence: false, joinsFrames: false });
  const { scheduler, fanOut } = fanOutTo(withoutPresence, plainWithoutPresence);
  fanOut.toAll('"here"', "presence");
  sendNumbers(fanOut, 1);
  fanOut.toAll('"gone"', "presence");
  sendNumbers(fanOut, 2);
  fanOut.toOne(withoutPresence, '"members"', "presence");
  scheduler.settleAll();
  assertEquals(withoutPresence.sent, ["[1,2]"]);
  assertEquals(plainWithoutPresence.sent, ["1", "2"]);
  fanOut.toAll('"back"', "presence");
  scheduler.settleAll();
  scheduler.settleAll();
  assertEquals(withoutPresence.sent.length, 1, "an empty array was sent");
});

Deno.test("a slow recipient gets no ephemeral frames until it has caught up", () => {
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

Deno.test("an added recipient gets no earlier frames, and the others' pending frames are sent first", () => {
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

Deno.test("a deleted recipient gets no more frames, pending ones included; a reply to it is ignored", () => {
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
  assert(frames.length < 3, "no frame was pending");
  assertEquals(other.frames, [1, 2, 3]);
  assertEquals([fanOut.size, fanOut.has(other)], [1, true]);
  fanOut.toOne(one, '"late"', "reply");
  scheduler.settleAll();
  assertEquals(other.frames, [1, 2, 3]);
});

Deno.test("long pending frames are sent before the tick settles", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  const long = JSON.stringify("a".repeat(30_000));
  for (let count = 0; count < 10; count++) fanOut.toAll(long, "message");
  assert(one.frames.length >= 9, "too many frames are pending");
  for (const text of one.sent) assert(text.length < 150_000, "a text is too long");
  scheduler.settleAll();
  assertEquals(one.frames.length, 10);
});

Deno.test("flush sends pending frames once and in order", () => {
  const one = new RecordingRecipient();
  const { scheduler, fanOut } = fanOutTo(one);
  sendNumbers(fanOut, 1, 2, 3);
  fanOut.flush();
  assertEquals(one.frames, [1, 2, 3]);
  fanOut.flush();
  scheduler.settleAll();
  assertEquals(one.frames, [1, 2, 3]);
});

Deno.test("without recipients no tick is scheduled", () => {
  const { scheduler, fanOut } = fanOutTo();
  sendNumbers(fanOut, 1, 2);
  assert(!scheduler.isAwaited);
});

/** Creates a fan-out to many realtime.v1 recipients; returns one of them. */
function fanOutToMany(count = 16) {
  const recipients = Array.from({ length: count }, () => new RecordingRecipient());
  const [one] = recipients;
  assert(one);
  return { one, ...fanOutTo(...recipients) };
}

Deno.test("after a large batch, frames are delayed until the batch is as large or a moment has passed", () => {
  const { one, scheduler, fanOut } = fanOutToMany();
  sendNumbers(fanOut, 1, 2, 3);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]"], "the first batch must not wait");
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
  assert(!scheduler.isAwaited, "nothing is pending but the scheduler waits");
  for (const number of [7, 8]) {
    sendNumbers(fanOut, number);
    scheduler.settleTick();
    assert(scheduler.isDelaying);
    scheduler.settleAll();
    assertEquals(one.sent.at(-1), String(number), "the delay has ended");
  }
  sendNumbers(fanOut, 9);
  scheduler.settleTick();
  assertEquals(one.sent.at(-1), "9", "single frames must not wait");
});

Deno.test("after an idle time no frame is delayed", () => {
  const { one, scheduler, fanOut } = fanOutToMany();
  sendNumbers(fanOut, 1, 2, 3);
  scheduler.settleTick();
  scheduler.time += 6;
  sendNumbers(fanOut, 4);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]", "4"]);
});

Deno.test("with few realtime.v1 recipients no frame is delayed, and plain ones do not count", () => {
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
  assert(scheduler.isDelaying, "sixteen recipients must delay");
  fanOut.flush();
  assertEquals(one.sent.at(-1), "6");
  assert(!scheduler.isAwaited, "flushed frames are still pending");
});
