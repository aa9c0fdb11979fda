/// <reference lib="dom" />
import type { PresenceMember } from "../../client/mod.ts";
import { createElement } from "./create_element.ts";
import { pageElement } from "./page_element.ts";
import type { Visited } from "./playground_room.ts";
import { soon } from "./soon.ts";
import { untilAborted } from "./until_aborted.ts";

/** Shows who is there, a line a user, and tells politely who came and who went. */
export function showPresence({ room, signal }: Visited): void {
  const list = pageElement("members", HTMLUListElement);
  const news = pageElement("presence-news", HTMLParagraphElement);
  list.replaceChildren();
  news.textContent = "";
  /** Who else was there before; undefined until it is known. */
  let before: ReadonlySet<string> | undefined;

  function show(): void {
    const { users } = room.presence;
    const own = room.state.type === "live" ? room.state.user : undefined;
    // In a fixed order: whoever resumes would change places.
    const sorted = [...users].sort(([one], [other]) => rank(one, own).localeCompare(rank(other, own)));
    list.replaceChildren(
      ...sorted.map(([user, connections]) => memberEntry(user, connections, user === own)),
    );
    const now = new Set(sorted.map(([user]) => user).filter((user) => user !== own));
    const text = before ? newsText(before, now) : "";
    if (text) news.textContent = text;
    before = now;
  }
  untilAborted(signal, room.on("presence", soon(show, signal)));
}

/** Oneself first, then by name. */
function rank(user: string, own: string | undefined): string {
  return user === own ? "" : user;
}

function memberEntry(user: string, connections: readonly PresenceMember[], isOwn: boolean): HTMLLIElement {
  const entry = createElement(
    "li",
    {},
    createElement("span", { class: "initial", "aria-hidden": "true" }, [...user][0]?.toUpperCase() ?? ""),
    createElement("b", {}, user),
  );
  if (isOwn) entry.append(" ", createElement("span", { class: "muted" }, "(you)"));
  if (connections.length > 1) {
    entry.append(" ", createElement("span", { class: "muted" }, `${connections.length} connections`));
  }
  const doing = activity(connections);
  if (doing) entry.append(" ", createElement("span", { class: "doing" }, doing));
  return entry;
}

/** What the states of a user's connections say: whether they type, or, of another program's, the state itself. */
function activity(connections: readonly PresenceMember[]): string {
  if (connections.some(({ state }) => state["typing"] === true)) return "typing…";
  const other = connections.find(({ state }) => Object.keys(state).some((name) => name !== "typing"));
  return other ? JSON.stringify(other.state) : "";
}

/** Such as "bob joined." */
function newsText(before: ReadonlySet<string>, now: ReadonlySet<string>): string {
  const joined = [...now].filter((user) => !before.has(user));
  const left = [...before].filter((user) => !now.has(user));
  return [
    ...joined.length > 0 ? [`${joined.join(", ")} joined.`] : [],
    ...left.length > 0 ? [`${left.join(", ")} left.`] : [],
  ].join(" ");
}
