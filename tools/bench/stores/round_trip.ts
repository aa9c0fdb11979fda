/** Data of a message: JSON of 100 bytes. */
export const DATA = JSON.stringify({ text: "x".repeat(89) });
/** Sender of a message, with ids of Supabase's length. */
export const SENDER = { user: "8c2f4a56-3c1e-4d0b-9a77-5b0f2e6d1c34", connection: "b3d1c9e2-7f60-4c58-8e15" };

/** Waits for one arrival at a time. */
export class Arrival {
  #arrived = Promise.withResolvers<void>();

  /** Runs `action`; resolves once it has finished and `notify` was called. */
  async after(action: () => unknown): Promise<void> {
    this.#arrived = Promise.withResolvers();
    await Promise.all([action(), this.#arrived.promise]);
  }

  /** Reports the arrival. */
  notify(): void {
    this.#arrived.resolve();
  }
}
