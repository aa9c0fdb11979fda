import { createLazy } from "../lazy.ts";
import type { Backplane } from "./contract.ts";

/**
 * Creates a backplane that loads its code now, so that a deployment does not load the code of the
 * other backplanes. Calls during the load wait in their order; if it fails, they reject with its
 * error.
 */
export function createLazyBackplane(load: () => Promise<Backplane>): Backplane {
  const lazy = createLazy(load);
  const backplane = () => lazy.load();
  void lazy.load();
  return {
    publish: async (room, drafts) => await (await backplane()).publish(room, drafts),
    emit: async (room, message) => await (await backplane()).emit(room, message),
    subscribe: async (room, deliver) => await (await backplane()).subscribe(room, deliver),
    history: async (room, page) => await (await backplane()).history(room, page),
    enter: async (room, entry) => await (await backplane()).enter(room, entry),
    resume: async (room, connection) => await (await backplane()).resume(room, connection),
    leave: async (room, connection) => await (await backplane()).leave(room, connection),
    linger: async (room, connection, graceMs) => await (await backplane()).linger(room, connection, graceMs),
    present: async (room) => await (await backplane()).present(room),
    put: async (key, value, ttlMs) => await (await backplane()).put(key, value, ttlMs),
    take: async (key) => await (await backplane()).take(key),
    ready: async () => await (await backplane()).ready(),
    close: async () => await (await backplane().catch(() => undefined))?.close(),
  };
}
