import { assertEquals } from "@std/assert";
import { ANY_RATE, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";

const FRAME_BYTES = 65_536;
const encoder = new TextEncoder();

/** Creates a publish of exactly `bytes` bytes, filled with one character. */
function filled(character: string, bytes: number): string {
  const frame = (data: string) =>
    JSON.stringify({ type: "publish", id: `${bytes} ${character}`, event: "e", data });
  const room = bytes - encoder.encode(frame("")).length;
  const width = encoder.encode(character).length;
  return frame(character.repeat(Math.floor(room / width)) + "a".repeat(room % width));
}

for (const character of ["a", "ä", "€", "😀"]) {
  for (const plain of [false, true]) {
    const who = plain ? "a plain member" : "a v1 member";
    Deno.test(`a frame of exactly max_frame_bytes of ${character} is published by ${who}, one byte more is 1009 (10.3)`, async () => {
      await using running = await startServer({ env: ANY_RATE });
      await using observer = await RoomClient.join(running, "room", { user: "bob" });
      await using member = await RoomClient.join(running, "room", { plain });
      assertEquals(member.welcome.limits["max_frame_bytes"], FRAME_BYTES);
      const text = filled(character, FRAME_BYTES);
      assertEquals(encoder.encode(text).length, FRAME_BYTES);
      member.sendRaw(text);
      assertEquals((await member.answer(`${FRAME_BYTES} ${character}`)).type, "ack");
      const { data } = await observer.next("message");
      assertEquals(data, JSON.parse(text).data);
      member.sendRaw(filled(character, FRAME_BYTES + 1));
      assertEquals((await member.closed()).code, 1009);
      await observer.publish("marker");
      assertEquals((await observer.next("message")).data, "marker");
    });
  }
}
