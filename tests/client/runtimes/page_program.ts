/// <reference lib="dom" />
import { offer } from "../pages/offer.ts";
import { soon } from "./expectation.ts";
import { type PageJoin, PageRoom, type PageSight } from "./page_room.ts";
import { runScenario } from "./scenarios.ts";

const room = new PageRoom();
/** Page events since the load, each once. */
const told = new Map<string, PromiseWithResolvers<void>>();

function telling(what: string): PromiseWithResolvers<void> {
  const known = told.get(what) ?? Promise.withResolvers<void>();
  told.set(what, known);
  return known;
}

document.addEventListener("visibilitychange", () => telling(document.visibilityState).resolve());
for (const type of ["freeze", "resume"]) document.addEventListener(type, () => telling(type).resolve());
for (const type of ["online", "offline"]) addEventListener(type, () => telling(type).resolve());

/** Functions that tests call in a page. */
export const PAGE_CONTROLS = {
  runScenario: (name: string, address: string): Promise<void> => runScenario(name, address),
  join: (how: PageJoin): Promise<PageSight> => room.join(how),
  enter: (): Promise<void> => room.enter(),
  publish: (n: number): void => room.publish(n),
  acks: (): Promise<number[]> => room.acks(),
  untilMessages: (count: number): Promise<PageSight> => room.untilMessages(count),
  untilWaiting: (code: string): Promise<PageSight> => room.untilWaiting(code),
  askServer: (): Promise<PageSight> => room.askServer(),
  sight: (): PageSight => room.sight(),
  /** Waits for a page event: `hidden`, `visible`, `freeze`, `resume`, `online`, `offline`. */
  untilTold: (what: string): Promise<void> => soon(telling(what).promise, `the page to be told: ${what}`),
};

offer(PAGE_CONTROLS);
