/** Cursors as a component draws them. */
import { assertEquals } from "@std/assert";
import { eventually } from "../../../tools/support/eventually.ts";
import { RoomClient } from "../../support/room_client.ts";
import { stageTest } from "./stage.ts";

stageTest("cursors", async (t, { running, play }) => {
  await t.step(
    "the others' cursors are drawn, and the own one reaches them until the component is gone",
    () =>
      play(async ({ show, seeLive, call, room }) => {
        await show();
        await seeLive();
        await using bob = await RoomClient.join(running, room("a"), { user: "bob" });
        const cursor = { event: "cursor", ephemeral: true };
        await bob.publish({ x: 1, y: 2 }, cursor);
        await bob.publish({ x: 30, y: 40 }, cursor);
        await bob.publish({ x: "far" }, cursor);
        await eventually(() => call("cursors"), (cursors) => cursors?.[0] === "bob 30 40");
        await bob.publish(null, cursor);
        await eventually(() => call("cursors"), (cursors) => cursors?.length === 0);

        await bob.takeAll();
        await call("move", 5, 6);
        await call("move", 7, 8);
        assertEquals((await bob.next("message")).data, { x: 5, y: 6 });
        assertEquals((await bob.next("message")).data, { x: 7, y: 8 });
        await call("show", null);
        assertEquals((await bob.next("message")).data, null);
      }),
  );
});
