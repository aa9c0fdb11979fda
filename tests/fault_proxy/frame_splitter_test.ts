import { assertEquals } from "@std/assert";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import { OPCODE } from "../../tools/support/wire/raw_socket.ts";
import { FrameSplitter } from "../support/fault_proxy/frame_splitter.ts";

Deno.test("however bytes are cut into chunks, messages are found and the bytes stay", () => {
  const masked = (opcode: number, payload: readonly number[], isLast = true): number[] => [
    (isLast ? 0x80 : 0) | opcode,
    0x80 | payload.length,
    ...[1, 2, 3, 4],
    ...payload.map((byte, index) => byte ^ (index % 4 + 1)),
  ];
  const stream = new Uint8Array([
    ...masked(OPCODE.text, [65, 66, 67, 68, 69]),
    ...masked(OPCODE.ping, [1]),
    ...masked(OPCODE.text, [70], false),
    ...masked(OPCODE.ping, []),
    ...masked(0, [71, 72]),
    ...masked(OPCODE.binary, []),
  ]);
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const splitter = new FrameSplitter("toServer");
    const pieces = [];
    for (let at = 0; at < stream.length;) {
      const end = at + 1 + random.below(8);
      pieces.push(...splitter.push(stream.subarray(at, end)));
      if (random.below(2) === 0) pieces.push(...splitter.takeRest());
      at = end;
    }
    pieces.push(...splitter.takeRest());
    assertEquals(new Uint8Array(pieces.flatMap(({ bytes }) => [...bytes])), stream, `Seed ${seed}`);
    assertEquals(
      pieces.flatMap(({ message }) => message ? [[message.number, message.opcode, message.text]] : []),
      [[1, 1, "ABCDE"], [0, 9, undefined], [2, 1, "FGH"], [3, 2, undefined]],
      `Seed ${seed}`,
    );
  }
});
