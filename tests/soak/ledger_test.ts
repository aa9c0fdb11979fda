/** The ledger finds planted faults; a ledger that finds nothing would approve every run. */
import { assertEquals } from "@std/assert";
import { Ledger, type MemberAccount, type PromiseName, type Verdict } from "../../tools/soak/ledger.ts";
import { isExact, judgePresence, type PresenceView } from "../../tools/soak/presence_view.ts";

/** A received message: its offset, its publisher, and the publisher's message number. */
type Received = readonly [offset: number, publisher: number, number: number];

const ALL: readonly Received[] = [[1, 0, 1], [2, 1, 1], [3, 0, 2], [4, 1, 2]];

function account(
  member: number,
  received: readonly Received[],
  changes: Partial<MemberAccount> = {},
): MemberAccount {
  return {
    member,
    room: "lobby",
    since: 0,
    closedAt: null,
    stoppedBy: null,
    epochs: ["e1"],
    offsets: received.map(([offset]) => offset),
    publishers: received.map(([, publisher]) => publisher),
    numbers: received.map(([, , number]) => number),
    acked: ALL.filter(([, publisher]) => publisher === member).map(([offset]) => offset),
    refused: [],
    gaps: [],
    lefts: [],
    absences: [],
    ...changes,
  };
}

function judge(accounts: readonly MemberAccount[], goneAt: ReadonlyMap<number, number> = new Map()): Verdict {
  const ledger = new Ledger();
  ledger.judgeRoom(accounts, goneAt);
  return ledger.verdict;
}

/** Count of breaches by broken promise. */
function broken(verdict: Verdict): Partial<Record<PromiseName, number>> {
  const counts = Object.entries(verdict).map(([name, { count }]) => [name, count] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

Deno.test("two members that had everything once and in order break nothing", () => {
  assertEquals(broken(judge([account(0, ALL), account(1, ALL)])), {});
});

Deno.test("a message that a member never had is lost, with room, offset and client", () => {
  const verdict = judge([account(0, ALL), account(1, ALL.filter(([offset]) => offset !== 3))]);
  assertEquals(broken(verdict), { lost: 1 });
  assertEquals(verdict.lost.first, "room lobby, offset 3: client 1 never had message 2 of client 0");
});

Deno.test("an acked message that nobody had is lost to everybody", () => {
  const received = ALL.slice(0, 3);
  assertEquals(broken(judge([account(0, received), account(1, received)])), { lost: 2 });
});

Deno.test("a message that was delivered but whose ack says another place is no lesser fault", () => {
  const wrong = account(0, ALL, { acked: [1, 4] });
  assertEquals(broken(judge([wrong, account(1, ALL)])).contradicted, 1);
});

Deno.test("what the server said is gone is not lost, and nothing beside it", () => {
  const gap = { gaps: [{ from: 2, to: 3 }] };
  assertEquals(broken(judge([account(0, ALL), account(1, [[1, 0, 1], [4, 1, 2]], gap)])), {});
  assertEquals(broken(judge([account(0, ALL), account(1, [[1, 0, 1]], gap)])), { lost: 1 });
});

Deno.test("what was there before a member is not promised, and neither is what came after it closed", () => {
  const late = account(2, ALL.slice(2), { since: 2 });
  const early = account(3, ALL.slice(0, 2), { closedAt: 1_000 });
  assertEquals(broken(judge([account(0, ALL), account(1, ALL), late, early])), {});
});

Deno.test("who closed was promised everything up to its last message", () => {
  const early = account(3, [[1, 0, 1], [3, 0, 2]], { closedAt: 1_000 });
  assertEquals(broken(judge([account(0, ALL), account(1, ALL), early])), { lost: 1 });
});

Deno.test("a message that comes twice is delivered twice, and not out of order", () => {
  const again: Received[] = [...ALL.slice(0, 3), [2, 1, 1], [4, 1, 2]];
  const verdict = judge([account(0, ALL), account(1, again)]);
  assertEquals(broken(verdict), { twice: 1 });
  assertEquals(verdict.twice.first, "room lobby, offset 2: client 1 had it before");
});

Deno.test("a message that is stored at two offsets is stored twice", () => {
  const received: Received[] = [...ALL, [5, 1, 2]];
  const verdict = judge([account(0, received), account(1, received)]);
  assertEquals(broken(verdict), { twice: 1 });
  assertEquals(verdict.twice.first, "room lobby, offset 5: message 2 of client 1 is stored at 4 too");
});

Deno.test("offsets that fall are out of order", () => {
  const received: Received[] = [[1, 0, 1], [3, 0, 2], [2, 1, 1], [4, 1, 2]];
  const verdict = judge([account(0, ALL), account(1, received)]);
  assertEquals(broken(verdict), { outOfOrder: 1 });
  assertEquals(verdict.outOfOrder.first, "room lobby, offset 2: client 1 had 3 before it");
});

Deno.test("a publisher's messages that are stored in another order than published are out of order", () => {
  const received: Received[] = [[1, 0, 2], [2, 1, 1], [3, 0, 1], [4, 1, 2]];
  const publisher = account(0, received, { acked: [3, 1] });
  assertEquals(broken(judge([publisher, account(1, received)])), { outOfOrder: 1 });
});

Deno.test("two members that received different messages at one offset contradict each other", () => {
  const other: Received[] = [...ALL.slice(0, 3), [4, 0, 3]];
  const verdict = judge([account(0, ALL), account(1, ALL), account(2, other)]);
  assertEquals(broken(verdict), { contradicted: 1 });
});

Deno.test("a message without an answer, one that is refused, a client that gave up and a history that was replaced are counted", () => {
  const publisher = account(0, ALL, {
    acked: [1, 3, null, null],
    refused: [{ number: 4, code: "outcome_unknown" }],
    stoppedBy: "forbidden",
    epochs: ["e1", "e2"],
  });
  const verdict = judge([publisher, account(1, ALL)]);
  assertEquals(broken(verdict), { unanswered: 1, refused: 1, stopped: 1, replaced: 1 });
  assertEquals(verdict.refused.first, "room lobby: message 4 of client 0 was refused: outcome_unknown");
});

Deno.test("`left` of who stayed is spurious, and so is one before who vanished or closed was gone", () => {
  const lefts = [{ member: 0, at: 500 }, { member: 2, at: 1_500 }, { member: 3, at: 2_500 }];
  const observer = account(1, ALL, { lefts });
  const others = [account(0, ALL), account(2, [], { closedAt: 1_000 })];
  assertEquals(broken(judge([observer, ...others], new Map([[3, 2_000]]))), { spuriousLeft: 1 });
  assertEquals(broken(judge([observer, ...others], new Map([[3, 3_000]]))), { spuriousLeft: 2 });
});

Deno.test("the evidence of a spurious `left` says how long the member was away", () => {
  const observer = account(1, ALL, { lefts: [{ member: 0, at: 500 }] });
  const away = account(0, ALL, { absences: [{ backAt: 600, ms: 200, reason: "disconnected" }] });
  const evidence = "room lobby: client 1 received `left` of client 0 at 1970-01-01T00:00:00.500Z";
  assertEquals(judge([observer, away]).spuriousLeft.first, `${evidence}, which was away for 200 ms then`);
  assertEquals(judge([observer, account(0, ALL)]).spuriousLeft.first, `${evidence}, which was not away`);
});

Deno.test("a room is exact when everybody is live and sees exactly who is", () => {
  const present = [{ connection: "a", member: 0 }, { connection: "b", member: 1 }];
  const views = [view(0, "a", present), view(1, "b", present)];
  assertEquals(isExact(views), true);
  assertEquals(isExact([view(0, "a", present), view(1, null, present)]), false);
  assertEquals(isExact([view(0, "a", present), view(1, "b", present.slice(1))]), false);
  assertEquals(isExact([view(0, "a", present), view(1, "c", present)]), false);
  assertEquals(isExact([view(0, "a", [...present, ...present]), view(1, "b", present)]), false);
});

Deno.test("who is seen and not connected is a ghost, and who is connected and not seen is absent", () => {
  const ghost = { connection: "old", member: 9 };
  const present = [{ connection: "a", member: 0 }, { connection: "b", member: 1 }];
  const ledger = new Ledger();
  judgePresence(ledger, [view(0, "a", [...present, ghost]), view(1, "b", present.slice(1))]);
  assertEquals(broken(ledger.verdict), { ghosts: 1, absent: 1 });
  assertEquals(
    ledger.verdict.ghosts.first,
    "room lobby: client 0 sees client 9 as old, which is not connected",
  );
  assertEquals(ledger.verdict.absent.first, "room lobby: client 1 does not see client 0 as a");
});

Deno.test("who is not connected at the end is absent, and not a ghost for having none", () => {
  const ledger = new Ledger();
  judgePresence(ledger, [view(0, null, []), view(1, "b", [{ connection: "b", member: 1 }])]);
  assertEquals(broken(ledger.verdict), { absent: 1 });
});

function view(member: number, connection: string | null, present: PresenceView["present"]): PresenceView {
  return { member, room: "lobby", connection, present };
}
