import type { Backplane } from "./contract.ts";

/**
 * A backplane whose code is loaded when it is chosen, so that no other choice pays for it. Calls made before it is there wait for it, in
 * their order; if it cannot be loaded they reject with why.
 */
export function createLateBackplane(load: () => Promise<Backplane>): Backplane {
  const loading = load();
  // Who calls is told.
  loading.catch(() => {});
  return {
    publish: async (room, drafts) => await (await loading).publish(room, drafts),
    emit: async (room, message) => await (await loading).emit(room, message),
    subscribe: async (room, deliver) => await (await loading).subscribe(room, deliver),
    history: async (room, page) => await (await loading).history(room, page),
    enter: async (room, entry) => await (await loading).enter(room, entry),
    resume: async (room, connection) => await (await loading).resume(room, connection),
    leave: async (room, connection) => await (await loading).leave(room, connection),
    linger: async (room, connection, graceMs) => await (await loading).linger(room, connection, graceMs),
    present: async (room) => await (await loading).present(room),
    ready: async () => await (await loading).ready(),
    close: async () => {
      const backplane = await loading.catch(() => undefined);
      await backplane?.close();
    },
  };
}
