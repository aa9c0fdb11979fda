/** Makes a page's functions known to tests, which call them with `callsOf`. */
export function offer(controls: Readonly<Record<string, (...values: never[]) => unknown>>): void {
  Object.assign(globalThis, { controls });
}
