import { assert, assertEquals } from "@std/assert";
import { createQueue, joined, RecordingRecipient, sendNumbers } from "./recipients.ts";

Deno.test("frames of one tick are joined for realtime.v1 recipients, and single for plain ones", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const { scheduler, queue } = createQueue([one, plain]);
  sendNumbers(queue, 1, 2, 3, 4);
  scheduler.settleAll();
  assertEquals(one.frames, [1, 2, 3, 4]);
  assert(one.sent.length < 4, "no frames were joined");
  assertEquals(plain.sent, ["1", "2", "3", "4"]);
});

Deno.test("a single frame of a tick is no array, and nothing is pending after the tick", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one]);
  for (const number of [1, 2, 3]) {
    sendNumbers(queue, number);
    scheduler.settleAll();
  }
  assertEquals(one.sent, ["1", "2", "3"]);
  scheduler.settleAll();
  assert(!scheduler.isAwaited, "the scheduler still waits");
});

Deno.test("all realtime.v1 recipients get the same joined text", () => {
  const members = [new RecordingRecipient(), new RecordingRecipient()];
  const { scheduler, queue } = createQueue(members);
  sendNumbers(queue, 1, 2, 3);
  scheduler.settleAll();
  const [one, other] = members;
  assertEquals(one?.frames, [1, 2, 3]);
  assertEquals(one?.sent, other?.sent);
});

Deno.test("a unicast frame keeps its order among broadcast frames", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const other = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one, plain, other]);
  queue.toOne(one, '"a"', "reply");
  assertEquals(one.sent, ['"a"'], "the first frame must be sent at once");
  sendNumbers(queue, 1);
  queue.toOne(one, '"b"', "reply");
  sendNumbers(queue, 2);
  queue.toOne(one, '"c"', "reply");
  queue.toOne(plain, '"d"', "reply");
  sendNumbers(queue, 3);
  queue.toOne(one, '"e"', "reply");
  queue.toOne(one, '"f"', "reply");
  scheduler.settleAll();
  assertEquals(one.frames, ["a", 1, "b", 2, "c", 3, "e", "f"]);
  assertEquals(plain.frames, [1, 2, "d", 3]);
  assertEquals(plain.sent.length, 4);
  assertEquals(other.frames, [1, 2, 3]);
});

Deno.test("a recipient without presence gets the other frames, in order and joined", () => {
  const withoutPresence = new RecordingRecipient({ seesPresence: false });
  const plainWithoutPresence = new RecordingRecipient({ seesPresence: false, joinsFrames: false });
  const { scheduler, queue } = createQueue([withoutPresence, plainWithoutPresence]);
  queue.change(joined("a1"));
  sendNumbers(queue, 1);
  queue.change(joined("b1"));
  sendNumbers(queue, 2);
  scheduler.settleAll();
  assertEquals(withoutPresence.sent, ["[1,2]"]);
  assertEquals(plainWithoutPresence.sent, ["1", "2"]);
  queue.change(joined("c1"));
  scheduler.settleAll();
  scheduler.settleAll();
  assertEquals(withoutPresence.sent.length, 1, "an empty array was sent");
});

Deno.test("a slow recipient gets no ephemeral frames until it has caught up", () => {
  const slow = new RecordingRecipient({ isSlow: true });
  const quick = new RecordingRecipient();
  const { scheduler, queue } = createQueue([slow, quick]);
  queue.ephemeral('"e1"');
  queue.ephemeral('"e2"');
  sendNumbers(queue, 1);
  queue.toOne(slow, '"e3"', "ephemeral");
  queue.toOne(slow, '"ack"', "reply");
  scheduler.settleAll();
  assertEquals(slow.frames, [1, "ack"]);
  assertEquals(quick.frames, ["e1", "e2", 1]);
  slow.isSlow = false;
  queue.ephemeral('"e4"');
  scheduler.settleAll();
  scheduler.settleAll();
  assertEquals(slow.frames, [1, "ack", "e4"]);
});

Deno.test("an added recipient gets no earlier frames, and the others' pending frames are sent first", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one]);
  sendNumbers(queue, 1, 2);
  const late = new RecordingRecipient();
  queue.add(late, () => {});
  assertEquals(one.frames, [1, 2]);
  sendNumbers(queue, 3);
  scheduler.settleAll();
  assertEquals(late.frames, [3]);
});

Deno.test("a deleted recipient gets no more frames, pending ones included; a reply to it is ignored", () => {
  const one = new RecordingRecipient();
  const other = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one, other]);
  sendNumbers(queue, 1, 2);
  queue.toOne(one, '"mine"', "reply");
  const { frames } = one;
  queue.delete(one);
  queue.delete(one);
  sendNumbers(queue, 3);
  scheduler.settleAll();
  assertEquals(one.frames, frames);
  assert(frames.length < 3, "no frame was pending");
  assertEquals(other.frames, [1, 2, 3]);
  queue.toOne(one, '"late"', "reply");
  scheduler.settleAll();
  assertEquals(other.frames, [1, 2, 3]);
});

Deno.test("long pending frames are sent before the tick settles", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one]);
  const long = JSON.stringify("a".repeat(30_000));
  for (let count = 0; count < 10; count++) queue.message(long);
  assert(one.frames.length >= 9, "too many frames are pending");
  for (const text of one.sent) assert(text.length < 150_000, "a text is too long");
  scheduler.settleAll();
  assertEquals(one.frames.length, 10);
});

Deno.test("flush sends pending frames once and in order", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one]);
  sendNumbers(queue, 1, 2, 3);
  queue.flush();
  assertEquals(one.frames, [1, 2, 3]);
  queue.flush();
  scheduler.settleAll();
  assertEquals(one.frames, [1, 2, 3]);
});

Deno.test("without recipients no tick is scheduled", () => {
  const { scheduler, queue } = createQueue();
  sendNumbers(queue, 1, 2);
  assert(!scheduler.isAwaited);
});

/** Creates a queue to many realtime.v1 recipients; returns one of them. */
function queueToMany(count = 16) {
  const recipients = Array.from({ length: count }, () => new RecordingRecipient());
  const [one] = recipients;
  assert(one);
  return { one, ...createQueue(recipients) };
}

Deno.test("after a large batch, frames are delayed until the batch is as large or a moment has passed", () => {
  const { one, scheduler, queue } = queueToMany();
  sendNumbers(queue, 1, 2, 3);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]"], "the first batch must not wait");
  scheduler.time += 1;
  sendNumbers(queue, 4);
  scheduler.settleTick();
  assert(scheduler.isDelaying);
  sendNumbers(queue, 5);
  scheduler.settleTick();
  assertEquals(one.sent.length, 1);
  sendNumbers(queue, 6);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]", "[4,5,6]"]);
  assert(!scheduler.isAwaited, "nothing is pending but the scheduler waits");
  for (const number of [7, 8]) {
    sendNumbers(queue, number);
    scheduler.settleTick();
    assert(scheduler.isDelaying);
    scheduler.settleAll();
    assertEquals(one.sent.at(-1), String(number), "the delay has ended");
  }
  sendNumbers(queue, 9);
  scheduler.settleTick();
  assertEquals(one.sent.at(-1), "9", "single frames must not wait");
});

Deno.test("after an idle time no frame is delayed", () => {
  const { one, scheduler, queue } = queueToMany();
  sendNumbers(queue, 1, 2, 3);
  scheduler.settleTick();
  scheduler.time += 6;
  sendNumbers(queue, 4);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2,3]", "4"]);
});

Deno.test("with few realtime.v1 recipients no frame is delayed, and plain ones do not count", () => {
  const { one, scheduler, queue } = queueToMany(15);
  queue.add(new RecordingRecipient({ joinsFrames: false }), () => {});
  const leaving = new RecordingRecipient();
  queue.add(leaving, () => {});
  queue.add(leaving, () => {});
  queue.delete(leaving);
  queue.delete(leaving);
  sendNumbers(queue, 1, 2);
  scheduler.settleTick();
  sendNumbers(queue, 3);
  scheduler.settleTick();
  assertEquals(one.sent, ["[1,2]", "3"]);
  queue.add(new RecordingRecipient(), () => {});
  sendNumbers(queue, 4, 5);
  scheduler.settleTick();
  sendNumbers(queue, 6);
  scheduler.settleTick();
  assert(scheduler.isDelaying, "sixteen recipients must delay");
  queue.flush();
  assertEquals(one.sent.at(-1), "6");
  assert(!scheduler.isAwaited, "flushed frames are still pending");
});

/** Text of the `presence` frame with the members of these connections. */
function presenceOf(list: "members" | "joined", ...connections: readonly string[]): string {
  const members = connections.map((connection) => ({ user: connection.slice(0, 1), connection, state: {} }));
  return JSON.stringify({ type: "presence", [list]: members });
}

Deno.test("presence changes of a tick share a frame, and a message comes after those before it", () => {
  const one = new RecordingRecipient({ joinsFrames: false });
  const { scheduler, queue, metrics } = createQueue([one]);
  queue.change(joined("a1"));
  queue.change(joined("b1"));
  sendNumbers(queue, 1);
  queue.change(joined("c1"));
  assertEquals(queue.presenceText, presenceOf("members"), "pending changes are not in the list");
  scheduler.settleTick();
  assertEquals(one.sent, [presenceOf("joined", "a1", "b1"), "1", presenceOf("joined", "c1")]);
  assertEquals(queue.presenceText, presenceOf("members", "a1", "b1", "c1"));
  assertEquals(metrics.deliveries, 3);
});

Deno.test("in a crowd changes are held, and who joins meanwhile gets the list of before and then the changes", () => {
  const { one, scheduler, queue } = queueToMany(100);
  queue.change(joined("a1"));
  scheduler.settleTick();
  assertEquals(one.sent, [presenceOf("joined", "a1")], "the first change must not wait");
  scheduler.time += 5;
  queue.change(joined("b1"));
  scheduler.settleTick();
  assertEquals([scheduler.isDelaying, scheduler.delays], [true, [15]]);
  const late = new RecordingRecipient();
  queue.add(late, () => late.send(queue.presenceText));
  queue.toOne(one, '"ack"', "reply");
  assertEquals([late.sent, one.sent.length], [[presenceOf("members", "a1")], 1]);
  scheduler.time += 15;
  scheduler.settleAll();
  assertEquals(late.sent, [presenceOf("members", "a1"), presenceOf("joined", "b1")]);
  assertEquals(one.frames.slice(1), [JSON.parse(presenceOf("joined", "b1")), "ack"]);
});

Deno.test("a message ends the hold of presence changes", () => {
  const { one, scheduler, queue } = queueToMany(100);
  queue.change(joined("a1"));
  scheduler.settleTick();
  queue.change(joined("b1"));
  scheduler.settleTick();
  scheduler.time += 6;
  sendNumbers(queue, 1);
  scheduler.settleTick();
  assertEquals(one.frames.slice(1), [JSON.parse(presenceOf("joined", "b1")), 1]);
  assert(!scheduler.isAwaited);
});

Deno.test("with a tick, ephemeral messages go out once in that time, and messages take them along", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one], 50);
  queue.ephemeral('"e1"');
  scheduler.settleTick();
  assertEquals(one.sent, ['"e1"'], "the first must not wait");
  scheduler.time += 10;
  queue.ephemeral('"e2"');
  scheduler.settleTick();
  scheduler.time += 10;
  queue.ephemeral('"e3"');
  scheduler.settleTick();
  assertEquals([one.sent.length, scheduler.delays], [1, [40]]);
  scheduler.time += 30;
  scheduler.settleAll();
  assertEquals(one.sent.at(-1), '["e2","e3"]');
  scheduler.time += 10;
  queue.ephemeral('"e4"');
  scheduler.settleTick();
  sendNumbers(queue, 1);
  scheduler.settleTick();
  assertEquals(one.sent.at(-1), '["e4",1]');
  assert(!scheduler.isAwaited);
});

Deno.test("with a tick, a reply does not wait for ephemeral messages, but for the messages before it", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one], 50);
  queue.ephemeral('"e1"');
  queue.toOne(one, '"ack1"', "reply");
  queue.toOne(one, '"e2"', "ephemeral");
  sendNumbers(queue, 1);
  queue.toOne(one, '"ack2"', "reply");
  scheduler.settleTick();
  assertEquals(one.frames, ["ack1", "e1", "e2", 1, "ack2"]);
});

Deno.test("the newest ephemeral message with a key stands for those that are pending, for the same recipients", () => {
  const one = new RecordingRecipient();
  const plain = new RecordingRecipient({ joinsFrames: false });
  const { scheduler, queue, metrics } = createQueue([one, plain]);
  queue.ephemeral('"a1"', { key: "a" });
  queue.ephemeral('"free"');
  queue.ephemeral('"b1"', { key: "b" });
  queue.toOne(one, '"ack"', "reply");
  queue.ephemeral('"a2"', { key: "a" });
  queue.ephemeral('"b2"', { key: "b", except: plain });
  scheduler.settleTick();
  assertEquals(one.frames, ["free", "b1", "ack", "a2", "b2"]);
  assertEquals(plain.sent, ['"free"', '"b1"', '"a2"']);
  assertEquals(metrics.deliveries, 7);
  queue.ephemeral('"a3"', { key: "a" });
  scheduler.settleTick();
  assertEquals(plain.sent.at(-1), '"a3"', "what went out is not pending");
});

Deno.test("messages with a key do not pile up without bound", () => {
  const one = new RecordingRecipient();
  const { scheduler, queue } = createQueue([one], 50);
  queue.ephemeral('"first"');
  scheduler.settleTick();
  for (let number = 0; number < 10_000; number++) queue.ephemeral(String(number), { key: "a" });
  assertEquals(one.frames, ["first", 4096, 8193]);
});
