/// <reference lib="dom" />
/** The page in which the React tests mount a chat. */
// @ts-types="@types/react"
import * as React from "react";
// @ts-types="@types/react-dom"
import { flushSync } from "react-dom";
// @ts-types="@types/react-dom/client"
import { createRoot, hydrateRoot } from "react-dom/client";
import type { Room } from "../../../packages/client/mod.ts";
import { offer } from "../pages/offer.ts";
import {
  RealtimeProvider,
  type TrackedCursors,
  useMessages,
  useRoom,
  useRoomState,
} from "../../../packages/client/react.ts";
import { Chat, type ChatProps, CursorList, type Events, MessageTexts, type Seen } from "./chat.ts";

/** Contents that a test requests. */
export interface Scene {
  /** Address of a provider around everything. */
  readonly provider?: string | undefined;
  /** More components, each with the room of this name. */
  readonly more?: readonly string[];
  readonly url: string | null;
  /** Handed to `askForToken`, which the test has put into the page. */
  readonly user: string;
  readonly history?: number | undefined;
  readonly state?: Record<string, unknown> | null | undefined;
  readonly limit?: number | undefined;
  /** Another key is another component. */
  readonly key?: string;
  /** Hides all of it, or the list only, with `<Activity>`: React 19.2. */
  readonly hidden?: "all" | "list";
  /** Adds a child that suspends until `resume` is called with this name. */
  readonly suspends?: string;
}

const { createElement, StrictMode, Suspense, startTransition } = React;
const Activity = (React as { Activity?: typeof React.Activity }).Activity;
const { askForToken } = globalThis as unknown as { askForToken(user: string): Promise<string> };

/** Fast Refresh, where the test has put its runtime into the page. */
interface RefreshRuntime {
  register(component: unknown, id: string): void;
  setSignature(component: unknown, hooks: string): void;
  performReactRefresh(): unknown;
}
const { Refresh } = globalThis as { Refresh?: RefreshRuntime };

/** Says that this is what the chat is now, and that its hooks are the same. */
function edit(component: (props: ChatProps) => React.ReactNode): void {
  Refresh?.setSignature(component, "hooks");
  Refresh?.register(component, "chat");
}
edit(Chat);

const counts = { effects: 0, renders: 0, tokens: 0 };
const waves: string[] = [];
let current: Room<Events> | null = null;
let own: Pick<TrackedCursors, "move" | "hide"> | null = null;
const onCursors = (cursors: typeof own): void => {
  own = cursors;
};
let loadOlder: () => Promise<void> = () => Promise.resolve();

/** Promises that children wait for, by name. */
const suspended = new Map<string, { promise: Promise<void>; resolve: () => void; isOver: boolean }>();

function Suspended({ name }: { name: string }): React.ReactNode {
  const waiting = suspended.get(name) ?? { ...Promise.withResolvers<void>(), isOver: false };
  suspended.set(name, waiting);
  // As libraries for data do in React 18, which has no `use`.
  if (!waiting.isOver) throw waiting.promise;
  return createElement("p", { id: "resumed" }, name);
}

function Hideable({ isHidden, children }: { isHidden: boolean; children: React.ReactNode }): React.ReactNode {
  return Activity ? createElement(Activity, { mode: isHidden ? "hidden" : "visible", children }) : children;
}

function Shown({ scene }: { scene: Scene }): React.ReactNode {
  const { url, user, history, state, limit, suspends } = scene;
  counts.renders++;
  const props: ChatProps = {
    url,
    state,
    history,
    limit,
    // Another function at every render.
    token: () => {
      counts.tokens++;
      return askForToken(user);
    },
    onEffect: () => void counts.effects++,
    onWave: (wave) => void waves.push(`${user}: ${wave}`),
    onRoom(room, load) {
      current = room;
      loadOlder = load;
    },
    children(room) {
      const list = createElement(MessageTexts, { room, limit });
      return [
        createElement(CursorList, { key: "cursors", room, onCursors }),
        createElement(Hideable, { key: "list", isHidden: scene.hidden === "list", children: list }),
        suspends === undefined ? null : createElement(Suspended, { key: "suspended", name: suspends }),
      ];
    },
  };
  return createElement(Chat, props);
}

/** A component with a room of its provider. */
function More({ name }: { name: string }): React.ReactNode {
  const room = useRoom<Events>(name, { history: 10 });
  const { type } = useRoomState(room);
  const { messages } = useMessages(room, { event: "chat" });
  const seen = [type, ...messages.map(({ data }) => data.text)];
  return createElement("pre", { className: "more" }, JSON.stringify(seen));
}

function tree(scene: Scene | null): React.ReactNode {
  if (!scene) return null;
  const shown = createElement(Shown, { scene, key: scene.key });
  const bounded = createElement(Suspense, { fallback: createElement("p", { id: "fallback" }) }, shown);
  const visible = createElement(Hideable, { isHidden: scene.hidden === "all", children: bounded });
  const { provider, user, more = [] } = scene;
  const all = [visible, ...more.map((name, key) => createElement(More, { name, key }))];
  const token = () => {
    counts.tokens++;
    return askForToken(user);
  };
  const provided = provider === undefined
    ? createElement(React.Fragment, null, ...all)
    : createElement(RealtimeProvider, { url: provider, token }, ...all);
  return createElement(StrictMode, null, provided);
}

const element = document.getElementById("root");
if (!element) throw new Error("The page has no root.");
const isHydrated = element.hasChildNodes();
const root = isHydrated ? null : createRoot(element);

const controls = {
  version: () => React.version,
  show: (scene: Scene | null) => root?.render(tree(scene)),
  showLater: (scene: Scene) => startTransition(() => root?.render(tree(scene))),
  /** One after the other, each with its effects, before anything else happens. */
  showAtOnce(scenes: readonly (Scene | null)[]): void {
    for (const scene of scenes) flushSync(() => root?.render(tree(scene)));
  },
  /** Takes over a page that holds a rendered `Chat` and nothing around it. */
  hydrate(scene: Scene): void {
    const props = { url: scene.url, token: () => askForToken(scene.user), state: scene.state };
    hydrateRoot(element, createElement(StrictMode, null, createElement(Chat, props)));
  },
  /** Does what a bundler's server does after the chat's file was edited. */
  refresh(): void {
    edit((props) => Chat(props));
    Refresh?.performReactRefresh();
  },
  resume(name: string): void {
    const waiting = suspended.get(name);
    if (!waiting) return;
    waiting.isOver = true;
    waiting.resolve();
  },
  seen: (): Seen | null => JSON.parse(document.getElementById("seen")?.textContent ?? "null"),
  more: (): string[][] =>
    [...document.querySelectorAll(".more")].map(({ textContent }) => JSON.parse(textContent ?? "")),
  texts: (): string[] | null => JSON.parse(document.getElementById("texts")?.textContent ?? "null"),
  cursors: (): string[] | null => JSON.parse(document.getElementById("cursors")?.textContent ?? "null"),
  move: (x: number, y: number) => own?.move(x, y),
  hide: () => own?.hide(),
  isThere: (id: string): boolean => document.getElementById(id) !== null,
  counts: () => counts,
  waves: () => waves,
  publish: (text: string) => current?.publish("chat", { text }),
  wave: (text: string) => current?.emit("wave", text),
  loadOlder: () => loadOlder(),
};

/** Functions that a test may call. */
export type ChatControls = typeof controls;

offer(controls);
