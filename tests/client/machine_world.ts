import type { WelcomeFrame } from "../../packages/protocol/frames.ts";
import { IDLE, step } from "../../packages/client/connection/machine.ts";
import type {
  Effect,
  Machine,
  MachineEvent,
  Timing,
} from "../../packages/client/connection/machine_state.ts";

/** Bounds as a user has them by default. */
export const TIMING: Timing = {
  tokenMs: 30_000,
  connectMs: 10_000,
  probeMs: 4_000,
  retry: { minMs: 500, maxMs: 30_000 },
};

/** Difference of the wall clock. */
export const WALL_MS = 1_800_000_000_000;

/** An event of a test. `run` defaults to the current one. */
export type Said = MachineEvent extends infer Event
  ? Event extends { readonly run: number } ? Omit<Event, "run"> & { readonly run?: number } : Event
  : never;

/** A state machine with a manual clock, and its unread effects. */
export class MachineWorld {
  machine: Machine = IDLE;
  now = 1_000_000;
  /** Value of the random source. */
  random = 0.5;
  #effects: Effect[] = [];

  /** Passes an event to the machine. */
  say(said: Said): void {
    const event =
      ("run" in said || !NEEDS_RUN.has(said.type)
        ? said
        : { ...said, run: this.machine.run }) as MachineEvent;
    const env = { now: this.now, wallNow: this.now + WALL_MS, random: () => this.random, timing: TIMING };
    const [machine, effects = []] = step(this.machine, event, env);
    this.machine = machine;
    this.#effects.push(...effects);
  }

  /** Advances the clock and fires the timer. */
  pass(ms: number): void {
    this.now += ms;
    this.say({ type: "due" });
  }

  /** Returns the effects since the last call. */
  effects(): Effect[] {
    return this.#effects.splice(0);
  }

  /** Deadline of the machine. */
  get dueAt(): number {
    return "dueAt" in this.machine ? this.machine.dueAt : Infinity;
  }

  /** Opens, gets a token and a welcome. */
  goLive(token = "token"): void {
    this.say({ type: "open" });
    this.say({ type: "token", token });
    this.say({ type: "welcome", welcome: welcomeFrame(), resumed: false });
  }
}

const NEEDS_RUN = new Set(["token", "welcome", "received", "sent", "failed"]);

/** A first frame. */
export function welcomeFrame(changes: Partial<WelcomeFrame> = {}): WelcomeFrame {
  return {
    type: "welcome",
    room: "lobby",
    connection: "c-1",
    user: "alice",
    epoch: "e-1",
    offset: 0,
    recovered: false,
    expires_at: 2_000_000_000,
    heartbeat_ms: 25_000,
    limits: {},
    ...changes,
  };
}
