/// <reference lib="dom" />
import type { FrameSeen } from "../../../client/mod.ts";
import { createElement, formatMilliseconds } from "../dom.ts";
import { frameSummary } from "./frame_summary.ts";

/** Creates the line of a frame; opened, it shows the whole frame. */
export function frameEntry(seen: FrameSeen, at: number): HTMLLIElement {
  const { direction, frame } = seen;
  const isSent = direction === "out";
  const isHeartbeat = frame.type === "ping" || frame.type === "pong";
  const details = createElement(
    "details",
    {},
    createElement(
      "summary",
      { tabindex: "-1" },
      createElement("time", {}, formatMilliseconds(at)),
      createElement("span", { class: "arrow", "aria-hidden": "true" }, isSent ? "→" : "←"),
      createElement("span", { class: "hidden" }, isSent ? "sent" : "received"),
      createElement("b", {}, frame.type),
      createElement("span", { class: "summary" }, frameSummary(seen)),
    ),
  );
  // Formatted when opened: most frames never are.
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) {
      details.append(createElement("pre", {}, JSON.stringify(frame, null, 2)));
    }
    details.scrollIntoView({ block: "nearest" });
  });
  return createElement(
    "li",
    { class: `${isSent ? "sent" : "received"}${isHeartbeat ? " heartbeat" : ""}` },
    details,
  );
}
