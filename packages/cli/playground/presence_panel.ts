/// <reference lib="dom" />
import type { PresenceMember } from "../../client/mod.ts";
import { createElement, onAbort, pageElement, throttle } from "./dom.ts";
import type { RoomContext } from "./playground_room.ts";
import { userName } from "./user_name.ts";

/** Lists the users in the room, and announces to screen readers who joined and left. */
export function showPresence({ room, signal }: RoomContext): void {
  const list = pageElement("members", HTMLUListElement);
  const changes = pageElement("presence-changes", HTMLParagraphElement);
  list.replaceChildren();
  changes.textContent = "";
  /** Other users at the last update; undefined until the first. */
  let before: ReadonlySet<string> | undefined;

  function show(): void {
    const { users } = room.presence;
    const own = room.state.type === "live" ? room.state.user : undefined;
    // Sorted, because a resume would change the order.
    const sorted = [...users].sort(([one], [other]) => rank(one, own).localeCompare(rank(other, own)));
    list.replaceChildren(
      ...sorted.map(([user, connections]) => memberEntry(user, connections, user === own)),
    );
    const now = new Set(sorted.map(([user]) => user).filter((user) => user !== own));
    const text = before ? changesText(before, now) : "";
    if (text) changes.textContent = text;
    before = now;
  }
  onAbort(signal, room.on("presence", throttle(show, signal)));
}

/** Sorts the own user first, then by name. */
function rank(user: string, own: string | undefined): string {
  return user === own ? "" : userName(user);
}

function memberEntry(user: string, connections: readonly PresenceMember[], isOwn: boolean): HTMLLIElement {
  const name = userName(user);
  const entry = createElement(
    "li",
    {},
    createElement("span", { class: "initial", "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? ""),
    createElement("b", {}, name),
  );
  if (isOwn) entry.append(" ", createElement("span", { class: "muted" }, "(you)"));
  if (connections.length > 1) {
    entry.append(" ", createElement("span", { class: "muted" }, `${connections.length} connections`));
  }
  const state = stateText(connections);
  if (state) entry.append(" ", createElement("span", { class: "presence-state" }, state));
  return entry;
}

/** Describes the states of a user's connections: typing, or another program's state as JSON. */
function stateText(connections: readonly PresenceMember[]): string {
  if (connections.some(({ state }) => state["typing"] === true)) return "typing…";
  const other = connections.find(({ state }) => Object.keys(state).some((name) => name !== "typing"));
  return other ? JSON.stringify(other.state) : "";
}

/** Such as "bob joined." */
function changesText(before: ReadonlySet<string>, now: ReadonlySet<string>): string {
  const joined = [...now].filter((user) => !before.has(user));
  const left = [...before].filter((user) => !now.has(user));
  return [
    ...joined.length > 0 ? [`${joined.map(userName).join(", ")} joined.`] : [],
    ...left.length > 0 ? [`${left.map(userName).join(", ")} left.`] : [],
  ].join(" ");
}
