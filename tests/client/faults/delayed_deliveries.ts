import type { Backplane } from "../../../packages/server/src/backplane/contract.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../../support/room_services.ts";
import type { RunningServer } from "../../support/running_server.ts";

/** Longest delay of an event, in milliseconds. */
const MAX_DELAY_MS = 5;

/**
 * Delays the events of rooms in their order, as a store elsewhere does: an ack may come before the
 * messages in front of it. `await using` waits for the last event: declare it before the server.
 */
export class DelayedDeliveries implements AsyncDisposable {
  readonly #pending = new Set<Promise<void>>();

  /** Delays the events of a server's rooms. */
  delay(running: RunningServer): void {
    const backplane = backplaneOf(running);
    const subscribe: Backplane["subscribe"] = (room, deliver) => {
      let last = Promise.resolve();
      let count = 0;
      return backplane.subscribe(room, (event) => {
        // Some events wait, and others come right behind them.
        const delayMs = count++ % (MAX_DELAY_MS + 1);
        const delivery = last = last.then(() => new Promise((resolve) => setTimeout(resolve, delayMs)))
          .then(() => deliver(event));
        this.#pending.add(delivery);
        void delivery.finally(() => this.#pending.delete(delivery));
      });
    };
    changeRoomServices(running, { backplane: changedBackplane(backplane, { subscribe }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pending);
  }
}
