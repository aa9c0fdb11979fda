/** Page events after which the client probes or closes the connection. */
import { assertEquals } from "@std/assert";
import { watchPageLifecycle } from "../../packages/client/connection/page_lifecycle.ts";

Deno.test("a page that is shown, thawed, restored, or whose network changes wakes the room, until it is watched no more", () => {
  const page = Object.assign(new EventTarget(), { document: new EventTarget() });
  let wakes = 0;
  let hides = 0;
  const stop = watchPageLifecycle((isHidden) => isHidden ? hides++ : wakes++, page);
  const happen = () => {
    for (const type of ["online", "offline", "pageshow"]) page.dispatchEvent(new Event(type));
    for (const type of ["visibilitychange", "resume"]) page.document.dispatchEvent(new Event(type));
  };
  happen();
  assertEquals([wakes, hides], [5, 0]);
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
  page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assertEquals([wakes, hides], [6, 1]);
  stop();
  happen();
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
  assertEquals([wakes, hides], [6, 1]);
});

Deno.test("where there is no page nothing is watched", () => {
  watchPageLifecycle(() => {
    throw new Error("Nothing can happen here.");
  }, {})();
});
