/** Page events after which the client probes the connection. */
import { assertEquals } from "@std/assert";
import { watchPageLifecycle } from "../../packages/client/connection/page_lifecycle.ts";

Deno.test("a page that is shown, thawed, restored, or whose network changes wakes the room, until it is watched no more", () => {
  const page = Object.assign(new EventTarget(), { document: new EventTarget() });
  let wakes = 0;
  const stop = watchPageLifecycle(() => wakes++, page);
  const happen = () => {
    for (const type of ["online", "offline", "pageshow"]) page.dispatchEvent(new Event(type));
    for (const type of ["visibilitychange", "resume"]) page.document.dispatchEvent(new Event(type));
  };
  happen();
  assertEquals(wakes, 5);
  stop();
  happen();
  assertEquals(wakes, 5);
});

Deno.test("where there is no page nothing is watched", () => {
  watchPageLifecycle(() => {
    throw new Error("Nothing can happen here.");
  }, {})();
});
