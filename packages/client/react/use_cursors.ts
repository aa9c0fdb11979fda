// @ts-types="@types/react"
import { useMemo, useSyncExternalStore } from "react";
import { type Cursor, type CursorOptions, type Cursors, trackCursors } from "../cursors.ts";
import type { EventName, EventTypes, Room } from "../room.ts";
import { useRetained } from "./use_retained.ts";

/** Cursors, as a component sees them. */
export interface TrackedCursors extends Pick<Cursors, "move" | "hide"> {
  /** The others' cursors in this frame; the same array until the next one. */
  readonly others: readonly Cursor[];
}

const NOBODY: readonly Cursor[] = [];

/**
 * Tracks a room's cursors while the component is mounted, as `trackCursors` does. Renders in frames
 * in which a cursor moves, so a small component draws them best. `move` and `hide` stay the same,
 * and do nothing before the mount. Use it once per room. Another room, `event`, `intervalMs`,
 * `limit` or `idleMs` starts again. Without a room and on the server there are no cursors.
 * @throws {RangeError} on the mount, naming the invalid option
 */
export function useCursors<Published extends EventTypes, Received extends EventTypes>(
  room: Room<Published, Received> | null,
  options: CursorOptions<EventName<Published>> = {},
): TrackedCursors {
  const { event, intervalMs, limit, idleMs } = options;
  const tracking = useRetained(() => {
    let cursors: Cursors | null = null;
    return {
      subscribe(onChange: () => void): () => void {
        if (!room) return () => {};
        const own = cursors = trackCursors(room, options);
        own.subscribe(onChange);
        return () => {
          own.stop();
          cursors = null;
        };
      },
      read: () => cursors?.others ?? NOBODY,
      move: (x: number, y: number) => cursors?.move(x, y),
      hide: () => cursors?.hide(),
    };
  }, [room, event, intervalMs, limit, idleMs]);
  const others = useSyncExternalStore(tracking.subscribe, tracking.read, () => NOBODY);
  return useMemo(() => ({ others, move: tracking.move, hide: tracking.hide }), [others, tracking]);
}
