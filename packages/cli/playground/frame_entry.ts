/// <reference lib="dom" />
import type { FrameSeen } from "../../client/mod.ts";
import { createElement } from "./create_element.ts";
import { frameGist } from "./frame_gist.ts";
import { millisecondText } from "./time_text.ts";

/** The line of a frame; opened, it shows the whole frame. */
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
      createElement("time", {}, millisecondText(at)),
      createElement("span", { class: "arrow", "aria-hidden": "true" }, isSent ? "→" : "←"),
      createElement("span", { class: "hidden" }, isSent ? "sent" : "received"),
      createElement("b", {}, frame.type),
      createElement("span", { class: "gist" }, frameGist(seen)),
    ),
  );
  // Written when it is looked at: of most frames nobody asks for more than the line.
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
