/// <reference lib="dom" />

/** Attributes by name; true stands for an empty one, false and undefined for none. */
export type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/** Pause of `throttle`: about one screen frame. A timer, because a hidden tab draws no frames. */
const PAUSE_MS = 16;

const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MILLISECOND = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** Creates an element. String children become text: user input is never parsed as HTML. */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/**
 * Finds an element of index.html.
 * @throws {Error} when the page has no element with the id, or one of another kind
 */
export function pageElement<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`index.html has no ${kind.name} with the id ${id}.`);
}

/** Calls cleanup functions, such as those that `room.on` returns, once the signal is aborted. */
export function onAbort(signal: AbortSignal, ...cleanups: readonly (() => void)[]): void {
  for (const cleanup of cleanups) signal.addEventListener("abort", cleanup, { once: true });
}

/**
 * Merges calls: the first call starts a pause, and the callback runs once at its end. Stops when
 * the signal is aborted. Thousands of messages may arrive at once; scrolling after each of them
 * would take minutes.
 */
export function throttle(callback: () => void, signal: AbortSignal): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    if (timer !== undefined || signal.aborted) return;
    timer = setTimeout(() => {
      timer = undefined;
      callback();
    }, PAUSE_MS);
  };
}

/** Formats a Unix time in milliseconds such as 12:04. */
export function formatMinutes(at: number): string {
  return MINUTE.format(at);
}

/** Formats a Unix time in milliseconds such as 12:04:31.120. */
export function formatMilliseconds(at: number): string {
  return MILLISECOND.format(at);
}
