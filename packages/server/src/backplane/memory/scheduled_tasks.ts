import type { MonotonicClock } from "../../clocks.ts";

/** Cancellable task that is due at `at`. */
export interface ScheduledTask {
  /** Due time, of the clock of the tasks. */
  readonly at: number;
  /** Action of the task; absent once it has run or was cancelled. */
  run: (() => void) | undefined;
}

/** Longest delay of a timer, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Runs tasks at their due times. One timer, set for the earliest task, serves all of them. */
export class ScheduledTasks {
  readonly #now: MonotonicClock;
  /** Tasks in the order of their due times; includes cancelled ones. */
  readonly #pending: ScheduledTask[] = [];
  /** Number of pending tasks that are not cancelled. */
  #live = 0;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;

  constructor(now: MonotonicClock) {
    this.#now = now;
  }

  /** Starts the timer: due tasks run by themselves. */
  start(): void {
    this.#running = true;
    this.#arm();
  }

  /** Stops the timer: tasks run in `runDue` only. */
  stop(): void {
    this.#running = false;
    this.#arm();
  }

  /** Schedules an action. */
  add(at: number, run: () => void): ScheduledTask {
    const task: ScheduledTask = { at, run };
    // Searches from the end: a new task is nearly always the latest.
    let index = this.#pending.length;
    while ((this.#pending[index - 1]?.at ?? -Infinity) > at) index--;
    this.#pending.splice(index, 0, task);
    this.#live++;
    this.#arm();
    return task;
  }

  /** Cancels a task. Does nothing if the task has run or was cancelled. */
  cancel(task: ScheduledTask): void {
    if (!task.run) return;
    task.run = undefined;
    this.#live--;
    this.#arm();
  }

  /** Runs all due tasks, in the order of their due times. */
  runDue(): void {
    const now = this.#now();
    let count = 0;
    while ((this.#pending[count]?.at ?? Infinity) <= now) count++;
    if (count === 0) return;
    // Removes the tasks before it runs them: a task may add, cancel or call `runDue`.
    for (const task of this.#pending.splice(0, count)) {
      const { run } = task;
      this.cancel(task);
      run?.();
    }
  }

  #arm(): void {
    if (this.#live === 0) this.#pending.length = 0;
    const next = this.#running ? this.#pending[0]?.at ?? Infinity : Infinity;
    // Keeps a timer that fires too early: that costs less than a new timer after each cancellation.
    if (this.#timerAt <= next && next !== Infinity) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = next;
    if (next === Infinity) return;
    const delayMs = Math.min(Math.max(next - this.#now(), 1), MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.runDue();
      this.#arm();
    }, delayMs);
  }
}
