import type { Lazy } from "../lazy.ts";
import type { SocketHandlers } from "../socket/socket.ts";

/** Handlers of a socket whose code is loaded when it is first needed; the opening waits for it. */
export function lazyHandlers<Code>(code: Lazy<Code>, create: (code: Code) => SocketHandlers): SocketHandlers {
  if (code.loaded !== undefined) return create(code.loaded);
  let handlers: SocketHandlers | undefined;
  return {
    onOpen: async (socket) => {
      handlers = create(await code.load());
      await handlers.onOpen?.(socket);
    },
    onMessage: (socket, data) => handlers?.onMessage?.(socket, data),
    onDrain: (socket, notice) => handlers?.onDrain?.(socket, notice),
    onClose: (socket, close) => handlers?.onClose?.(socket, close),
  };
}
