import { assertEquals } from "@std/assert";
import { hashOf, readPlace } from "../../../packages/cli/playground/page_address.ts";

Deno.test("an address leads to who and where it says", () => {
  for (const place of [{ user: "alice", room: "lobby" }, { user: "Zoë & co #1", room: "a.b_c~d:e-f" }]) {
    assertEquals(readPlace(hashOf(place)), place);
  }
  assertEquals(readPlace(hashOf({ room: "lobby" })), { room: "lobby" });
  assertEquals(readPlace(""), {});
});

Deno.test("what is no room's id, or no name, is left out", () => {
  for (const room of ["..", ".", "a/b", "a b", "a?b", "x".repeat(129), ""]) {
    assertEquals(readPlace(`#user=%20&room=${encodeURIComponent(room)}`), {}, room);
  }
});
