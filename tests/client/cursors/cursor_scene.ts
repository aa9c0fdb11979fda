import type { Room } from "../../../packages/client/mod.ts";
import { type CursorOptions, type Cursors, trackCursors } from "../../../packages/client/cursors.ts";
import type { PresenceListFrame } from "../../../packages/protocol/frames.ts";
import { createScene, type Events, type SharedScene } from "../shared/shared_scene.ts";

const ROOM = "rooms/lobby";

/** A live room on a scripted server with tracked cursors, and frames that only the test draws. */
export interface CursorScene extends SharedScene {
  readonly room: Room<Events>;
  readonly cursors: Cursors;
  /** Draws the frame that was requested, if one was. Returns whether there was one. */
  draw(): boolean;
  /** Lets a message of a member arrive. */
  receive(connection: string | undefined, data: unknown, event?: string): Promise<void>;
  /** Lets a change of presence arrive. */
  present(change: Omit<PresenceListFrame, "type" | "room">): Promise<void>;
  /** Data that was sent, in order. */
  sent(): unknown[];
}

/** Creates a scene. The room is live. */
export async function createCursorScene(options: CursorOptions = {}): Promise<CursorScene> {
  const scene = createScene();
  const { server, clock, connection } = scene;
  const room = connection.room<Events>("lobby");
  await server.settle();
  const frames = new Set<() => void>();
  const requestFrame = (draw: () => void) => {
    frames.add(draw);
    return () => void frames.delete(draw);
  };
  return {
    ...scene,
    room,
    cursors: trackCursors(room, { clock, requestFrame, ...options }),
    draw() {
      const [draw] = frames;
      if (!draw) return false;
      frames.delete(draw);
      draw();
      return true;
    },
    async receive(connection, data, event = "cursor") {
      const from = { user: `user of ${connection}`, connection };
      server.open[0]?.reply({ type: "message", room: ROOM, event, data, from, id: "id", at: 0 });
      await server.settle();
    },
    async present(change) {
      server.open[0]?.reply({ type: "presence", room: ROOM, ...change });
      await server.settle();
    },
    sent: () => server.frames.flatMap((frame) => frame.type === "publish" ? [frame.data] : []),
  };
}
