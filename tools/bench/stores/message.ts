/** JSON of 100 bytes: what a message of these cases says. */
export const DATA = JSON.stringify({ text: "x".repeat(89) });
/** Who says it: as long as Supabase's ids are. */
export const SENDER = { user: "8c2f4a56-3c1e-4d0b-9a77-5b0f2e6d1c34", connection: "b3d1c9e2-7f60-4c58-8e15" };

/** Waits for one thing at a time. */
export class Arrival {
  #arrived = Promise.withResolvers<void>();

  /** Does it, and resolves when `tell` was called and it is done. */
  async after(action: () => unknown): Promise<void> {
    this.#arrived = Promise.withResolvers();
    await Promise.all([action(), this.#arrived.promise]);
  }

  /** It has arrived. */
  tell(): void {
    this.#arrived.resolve();
  }
}
