/** Failures to open the database: a clear error, and a retry on the next call. */
import { assertEquals, assertRejects } from "@std/assert";
import { createIndexedDbOutbox } from "../../packages/client/indexed_db.ts";
import type { DatabaseFactory, OpenDatabase } from "../../packages/client/indexed_db/platform.ts";

/** An open request whose events a test fires. */
class OpenRequest extends EventTarget {
  error: unknown = null;
  isClosed = false;
  readonly result: OpenDatabase = {
    createObjectStore: () => fail(),
    transaction: () => fail(),
    addEventListener: () => {},
    close: () => void (this.isClosed = true),
  };
  fire(type: string, error: unknown = null): void {
    this.error = error;
    this.dispatchEvent(new Event(type));
  }
}

function fail(): never {
  throw new Error("Nobody asks for this.");
}

/** An `indexedDB` of requests that are answered by the test, one after the other. */
function answering(...requests: readonly (OpenRequest | Error)[]): DatabaseFactory {
  const left = [...requests];
  return {
    open() {
      const next = left.shift();
      if (next instanceof Error) throw next;
      return next ?? fail();
    },
  };
}

Deno.test("without IndexedDB every method says so", async () => {
  const outbox = createIndexedDbOutbox("alice");
  const text = "The database realtime-outbox cannot be opened: there is no IndexedDB here.";
  const message = { id: "a", event: "chat", data: "1", sentAt: null };
  await assertRejects(() => outbox.load("room"), Error, text);
  await assertRejects(() => outbox.put("room", [message]), Error, text);
  await assertRejects(() => outbox.remove("room", "a"), Error, text);
  await assertRejects(() => outbox.clear(), Error, text);
  outbox.close();
});

Deno.test("a page that may not keep anything is told so, with the browser's error as the cause", async () => {
  const refusal = new DOMException("The operation is insecure.", "SecurityError");
  const outbox = createIndexedDbOutbox("alice", { indexedDB: answering(refusal), name: "mine" });
  const error = await assertRejects(() => outbox.load("room"), Error);
  assertEquals(error.message, "The database mine cannot be opened: the browser does not allow it.");
  assertEquals(error.cause, refusal);
});

Deno.test("a failure that comes later says what the browser said, and the next call tries again", async () => {
  const [one, two] = [new OpenRequest(), new OpenRequest()];
  const outbox = createIndexedDbOutbox("alice", { indexedDB: answering(one, two) });
  const first = assertRejects(() => outbox.load("room"), Error, "UnknownError: Internal error.");
  // A concurrent call waits for the same attempt.
  const alike = assertRejects(() => outbox.load("room"), Error, "UnknownError: Internal error.");
  one.fire("error", new DOMException("Internal error.", "UnknownError"));
  await Promise.all([first, alike]);
  const second = assertRejects(() => outbox.load("room"), Error, "the browser does not say why");
  two.fire("error");
  await second;
});

Deno.test("a database that an older page keeps open is not waited for, nor kept when it opens after all", async () => {
  const request = new OpenRequest();
  const outbox = createIndexedDbOutbox("alice", { indexedDB: answering(request) });
  const failure = assertRejects(
    () => outbox.load("room"),
    Error,
    "another page has an older version of it open",
  );
  request.fire("blocked");
  await failure;
  assertEquals(request.isClosed, false);
  request.fire("success");
  assertEquals(request.isClosed, true);
});

Deno.test("an outbox that was closed while it was being opened lets the database go", async () => {
  const request = new OpenRequest();
  const outbox = createIndexedDbOutbox("alice", { indexedDB: answering(request) });
  const failure = assertRejects(() => outbox.load("room"), Error, "Nobody asks for this.");
  outbox.close();
  request.fire("success");
  await failure;
  assertEquals(request.isClosed, true);
});
