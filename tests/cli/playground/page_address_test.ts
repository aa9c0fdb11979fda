import { assertEquals } from "@std/assert";
import { formatAddress, parseAddress } from "../../../packages/cli/playground/page_address.ts";
import { formatRoomPath, parseRoomPath, roomEndpoints } from "../../../packages/cli/playground/room_path.ts";

Deno.test("an address keeps its user and room", () => {
  for (
    const address of [{ user: "alice", room: "lobby" }, { user: "Zoë & co #1", room: "a.b_c~d:e-f" }, {
      user: "alice",
      room: "tables/7",
      role: "service",
      app_metadata: '{"role":"teacher"}',
    }]
  ) {
    assertEquals(parseAddress(formatAddress(address)), address);
  }
  assertEquals(parseAddress(formatAddress({ room: "lobby" })), { room: "lobby" });
  assertEquals(parseAddress(""), {});
});

Deno.test("an invalid room id and an empty user are left out", () => {
  for (const room of ["..", ".", "a//b", "/a", "a/", "a/../b", "a b", "a?b", "x".repeat(129), ""]) {
    assertEquals(parseAddress(`#user=%20&room=${encodeURIComponent(room)}`), {}, room);
  }
});

Deno.test("a room without an endpoint is one of `rooms`", () => {
  assertEquals(parseRoomPath("lobby"), { endpoint: "rooms", id: "lobby" });
  assertEquals(parseRoomPath("shops/north/tables/7"), { endpoint: "shops/north/tables", id: "7" });
  for (const text of ["lobby", "tables/7", "shops/north/tables/7"]) {
    const path = parseRoomPath(text);
    assertEquals(path && formatRoomPath(path), text);
  }
});

Deno.test("endpoints of rooms are found among an app's routes", () => {
  const paths = ["/live", "/live/rooms/:id", "/live/rooms/:id/messages", "/live/polls/:poll"];
  const further = [
    "/live/tables/:id/messages",
    "/live/shops/:shop/tables/:id/messages",
    "/other/x/:id/messages",
  ];
  const routes = [...paths, ...further].flatMap((path) => [
    { method: "GET", path },
    { method: "POST", path },
  ]);
  assertEquals(roomEndpoints(routes, "/live"), ["rooms", "tables"]);
  assertEquals(roomEndpoints([], "/live"), []);
});
