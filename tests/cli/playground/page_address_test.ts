import { assertEquals } from "@std/assert";
import { formatAddress, parseAddress } from "../../../packages/cli/playground/page_address.ts";

Deno.test("an address keeps its user and room", () => {
  for (const address of [{ user: "alice", room: "lobby" }, { user: "Zoë & co #1", room: "a.b_c~d:e-f" }]) {
    assertEquals(parseAddress(formatAddress(address)), address);
  }
  assertEquals(parseAddress(formatAddress({ room: "lobby" })), { room: "lobby" });
  assertEquals(parseAddress(""), {});
});

Deno.test("an invalid room id and an empty user are left out", () => {
  for (const room of ["..", ".", "a/b", "a b", "a?b", "x".repeat(129), ""]) {
    assertEquals(parseAddress(`#user=%20&room=${encodeURIComponent(room)}`), {}, room);
  }
});
