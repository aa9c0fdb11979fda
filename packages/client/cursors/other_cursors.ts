import type { Clock } from "../clock.ts";
import { Listeners } from "../listeners.ts";
import type { Cursor, CursorPosition } from "./cursor.ts";
import type { RequestFrame } from "./frames.ts";

/** Dependencies and bounds of the others' cursors. */
export interface OtherCursorsDeps {
  readonly clock: Clock;
  readonly requestFrame: RequestFrame;
  /** Most cursors; the one that is still for longest goes first. */
  readonly limit: number;
  /** Longest time without a position, in milliseconds. */
  readonly idleMs: number;
  /** Time that a cursor takes to a new position, in milliseconds. */
  readonly glideMs: number;
}

/** A glide between two positions. */
interface Glide {
  readonly user: string;
  readonly from: CursorPosition;
  readonly to: CursorPosition;
  readonly beganAt: number;
}

/**
 * The others' last positions by connection. Each cursor glides to its new position, since one comes
 * every few frames only. Draws while something moves or goes away, and never otherwise.
 */
export class OtherCursors {
  /** The cursors of the last frame; the same array until the next one. */
  current: readonly Cursor[] = [];
  readonly #deps: OtherCursorsDeps;
  readonly #listeners = new Listeners<{ frame: readonly Cursor[] }>();
  /** By connection: the one that is still for longest stands first. */
  readonly #glides = new Map<string, Glide>();
  #cancelFrame: (() => void) | null = null;
  #cancelIdleTimer: (() => void) | null = null;

  constructor(deps: OtherCursorsDeps) {
    this.#deps = deps;
  }

  /** Calls back with the cursors of every frame. Returns a function that ends it. */
  subscribe(listener: (cursors: readonly Cursor[]) => void): () => void {
    return this.#listeners.on("frame", listener);
  }

  /** Moves a cursor. The first position is drawn without a glide. */
  move(connection: string, user: string, { x, y }: CursorPosition): void {
    const beganAt = this.#deps.clock.now();
    const glide = this.#glides.get(connection);
    const to = { x, y };
    const from = glide ? this.#at(glide, beganAt) : to;
    this.#glides.delete(connection);
    this.#glides.set(connection, { user, from, to, beganAt });
    const [oldest] = this.#glides.keys();
    if (this.#glides.size > this.#deps.limit && oldest !== undefined) this.#glides.delete(oldest);
    this.#draw();
    this.#watchIdle();
  }

  /** Hands a cursor to the connection that resumes a lost one. */
  rename(previous: string, connection: string): void {
    const glide = this.#glides.get(previous);
    if (!glide || this.#glides.has(connection)) return this.remove(previous);
    const glides = [...this.#glides];
    this.#glides.clear();
    for (const [id, value] of glides) this.#glides.set(id === previous ? connection : id, value);
    this.#draw();
  }

  /** Removes a cursor, if there is one. */
  remove(connection: string): void {
    if (this.#glides.delete(connection)) this.#draw();
  }

  /** Removes all cursors. */
  clear(): void {
    if (this.#glides.size > 0) this.#draw();
    this.#glides.clear();
  }

  /** Ends timers and frames. The cursors stay as they were drawn. */
  stop(): void {
    this.#cancelFrame?.();
    this.#cancelIdleTimer?.();
  }

  #at({ from, to, beganAt }: Glide, now: number): CursorPosition {
    const { glideMs } = this.#deps;
    const part = glideMs > 0 ? Math.min(1, (now - beganAt) / glideMs) : 1;
    return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
  }

  #draw(): void {
    this.#cancelFrame ??= this.#deps.requestFrame(() => {
      this.#cancelFrame = null;
      const now = this.#deps.clock.now();
      const glides = [...this.#glides];
      this.current = glides.map(([connection, glide]) => ({
        connection,
        user: glide.user,
        ...this.#at(glide, now),
      }));
      if (glides.some(([, { beganAt }]) => now < beganAt + this.#deps.glideMs)) this.#draw();
      this.#listeners.emit("frame", this.current);
    });
  }

  /** One timer, for the cursor that is still for longest. */
  #watchIdle(): void {
    const { clock, idleMs } = this.#deps;
    const [first] = this.#glides.values();
    if (!first || this.#cancelIdleTimer) return;
    this.#cancelIdleTimer = clock.setTimer(() => {
      this.#cancelIdleTimer = null;
      for (const [connection, { beganAt }] of this.#glides) {
        if (clock.now() - beganAt >= idleMs) this.remove(connection);
      }
      this.#watchIdle();
    }, first.beganAt + idleMs - clock.now());
  }
}
