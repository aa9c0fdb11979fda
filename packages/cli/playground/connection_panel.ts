/// <reference lib="dom" />
import type { RoomState } from "../../client/mod.ts";
import type { BreakableNetwork } from "./breakable_network.ts";
import { showCountdown } from "./countdown.ts";
import { createElement } from "./create_element.ts";
import { pageElement } from "./page_element.ts";
import type { Visited } from "./playground_room.ts";
import { soon } from "./soon.ts";
import { StateDiagram } from "./state_diagram.ts";
import { resumeText, stateGist, stateText } from "./state_text.ts";
import { Trail } from "./trail.ts";
import { untilAborted } from "./until_aborted.ts";

/**
 * Shows the connection's state and position, and lets one break it. What it returns is called when something was sent: nobody else
 * tells that one more is waiting.
 */
export function showConnection({ room, signal }: Visited, network: BreakableNetwork): () => void {
  const diagram = new StateDiagram();
  const trail = new Trail();
  const countDown = showCountdown(signal);
  const text = pageElement("state-text", HTMLSpanElement);
  const again = pageElement("again", HTMLButtonElement);
  const cut = pageElement("cut", HTMLButtonElement);

  function showState(state: RoomState): void {
    diagram.show(state.type);
    countDown(state);
    text.replaceChildren(
      createElement("b", {}, `${state.type.charAt(0).toUpperCase()}${state.type.slice(1)}.`),
      ` ${stateText(state)}`,
    );
    trail.add(stateGist(state));
    cut.disabled = state.type !== "live";
    again.hidden = state.type !== "waiting" && state.type !== "closed";
    again.textContent = state.type === "closed" ? "Connect again" : "Try now";
  }

  again.addEventListener("click", () => {
    // The button goes away with the state: whoever pressed it with a key would be nowhere.
    pageElement("network", HTMLButtonElement).focus();
    if (room.state.type === "closed") room.open();
    else room.reconnect();
  }, { signal });
  cut.addEventListener("click", () => {
    pageElement("network", HTMLButtonElement).focus();
    trail.add("you cut the connection");
    network.cut();
  }, { signal });
  showSwitch(network, signal, (isOn) => trail.add(`you switched the network ${isOn ? "on" : "off"}`));
  const showFactsSoon = showFacts({ room, signal });
  showState(room.state);
  untilAborted(
    signal,
    room.on("state", showState),
    room.on("error", ({ code, message }) => trail.add(`error ${code}: ${message}`)),
    room.on("undelivered", ({ error }) => trail.add(`undelivered, ${error.code}: ${error.message}`)),
  );
  return showFactsSoon;
}

function showSwitch(network: BreakableNetwork, signal: AbortSignal, told: (isOn: boolean) => void): void {
  const button = pageElement("network", HTMLButtonElement);
  button.setAttribute("aria-checked", String(network.isOn));
  button.addEventListener("click", () => {
    const isOn = !network.isOn;
    button.setAttribute("aria-checked", String(isOn));
    told(isOn);
    network.switchTo(isOn);
  }, { signal });
}

function showFacts({ room, signal }: Visited): () => void {
  const recovered = pageElement("fact-recovered", HTMLElement);
  const offset = pageElement("fact-offset", HTMLElement);
  const epoch = pageElement("fact-epoch", HTMLElement);
  const pending = pageElement("fact-pending", HTMLElement);

  function show(): void {
    recovered.textContent = resumeText(room.state);
    offset.textContent = room.position ? String(room.position.offset) : "–";
    epoch.textContent = room.position?.epoch ?? "–";
    epoch.title = room.position?.epoch ?? "";
    pending.textContent = String(room.pending);
  }
  // Frames are told before the room has taken them in.
  const showSoon = soon(show, signal);
  show();
  untilAborted(signal, room.on("state", showSoon), room.on("frame", showSoon));
  return showSoon;
}
