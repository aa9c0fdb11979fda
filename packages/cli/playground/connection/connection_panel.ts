/// <reference lib="dom" />
import type { RoomState } from "../../../client/mod.ts";
import { createElement, onAbort, pageElement, throttle } from "../dom.ts";
import type { BreakableNetwork } from "./breakable_network.ts";
import { showCountdown } from "./countdown.ts";
import type { RoomContext } from "../playground_room.ts";
import { StateDiagram } from "./state_diagram.ts";
import { resumeText, shortStateText, stateText } from "./state_text.ts";
import { ConnectionLog } from "./connection_log.ts";

/**
 * Shows the connection's state and position, and the controls that break it. Call the returned
 * function after each publish, because the room has no event for pending messages.
 */
export function showConnection({ room, signal }: RoomContext, network: BreakableNetwork): () => void {
  const diagram = new StateDiagram();
  const log = new ConnectionLog();
  const updateCountdown = showCountdown(signal);
  const text = pageElement("state-text", HTMLSpanElement);
  const retry = pageElement("retry", HTMLButtonElement);
  const cut = pageElement("cut", HTMLButtonElement);

  function showState(state: RoomState): void {
    diagram.show(state.type);
    updateCountdown(state);
    text.replaceChildren(
      createElement("b", {}, `${state.type.charAt(0).toUpperCase()}${state.type.slice(1)}.`),
      ` ${stateText(state)}`,
    );
    log.add(shortStateText(state));
    cut.disabled = state.type !== "live";
    retry.hidden = state.type !== "waiting" && state.type !== "closed";
    retry.textContent = state.type === "closed" ? "Connect again" : "Try now";
  }

  retry.addEventListener("click", () => {
    // The button disappears with the state, so keyboard users need another focus.
    pageElement("network", HTMLButtonElement).focus();
    if (room.state.type === "closed") room.open();
    else room.reconnect();
  }, { signal });
  cut.addEventListener("click", () => {
    pageElement("network", HTMLButtonElement).focus();
    log.add("you cut the connection");
    network.cut();
  }, { signal });
  showSwitch(network, signal, (isOn) => log.add(`you switched the network ${isOn ? "on" : "off"}`));
  const scheduleFacts = showRoomFacts({ room, signal });
  showState(room.state);
  onAbort(
    signal,
    room.on("state", showState),
    room.on("error", ({ code, message }) => log.add(`error ${code}: ${message}`)),
    room.on("undelivered", ({ error }) => log.add(`undelivered, ${error.code}: ${error.message}`)),
  );
  return scheduleFacts;
}

function showSwitch(network: BreakableNetwork, signal: AbortSignal, onSwitch: (isOn: boolean) => void): void {
  const button = pageElement("network", HTMLButtonElement);
  button.setAttribute("aria-checked", String(network.isOn));
  button.addEventListener("click", () => {
    const isOn = !network.isOn;
    button.setAttribute("aria-checked", String(isOn));
    onSwitch(isOn);
    network.switchTo(isOn);
  }, { signal });
}

function showRoomFacts({ room, signal }: RoomContext): () => void {
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
  // The `frame` event fires before the room applies the frame.
  const scheduleShow = throttle(show, signal);
  show();
  onAbort(signal, room.on("state", scheduleShow), room.on("frame", scheduleShow));
  return scheduleShow;
}
