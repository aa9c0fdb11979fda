import { Activity } from "./activity.ts";
import type { Connection } from "./connection.ts";
import type { WorkerLine } from "./control.ts";
import type { Happening, IsolateReport } from "./events.ts";
import type { EdgeLimits } from "./limits.ts";
import { Meter } from "./meter.ts";
import {
  type KillReason,
  type Standing,
  type Step,
  stepsDue,
  type UnloadReason,
  type Usage,
} from "./policy.ts";
import { CRASHED, OVER_LIMIT, SILENT } from "./refusal.ts";
import { type WorkerCommand, WorkerProcess } from "./worker_process.ts";

/** How an isolate is run. */
export interface IsolateOptions {
  readonly id: string;
  readonly command: WorkerCommand;
  readonly limits: EdgeLimits;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  readonly onHappening: (happening: Happening) => void;
  readonly onOutput: (line: string) => void;
}

/** What an isolate is about. */
export type IsolateState = "booting" | "active" | "retired" | "warned" | "ended";

/** One isolate: a worker process, what it has used, and the policy that is applied to it. */
export class Isolate {
  readonly id: string;
  /** The port that the function listens on. Rejects when it does not start. */
  readonly ready: Promise<number>;
  /** Resolves when the process has ended and all its connections are cut. */
  readonly ended: Promise<void>;
  readonly connections = new Set<Connection>();
  readonly #options: IsolateOptions;
  readonly #process: WorkerProcess;
  readonly #listening = Promise.withResolvers<number>();
  readonly #warned = new Set<UnloadReason>();
  readonly #activity: Activity;
  readonly #bornAt: number;
  #meter: Meter | undefined;
  #usage: Usage = { ageMs: 0, cpuMs: 0, memoryBytes: 0 };
  #failure = "it ended without a word";
  #isListening = false;
  #isRetired = false;
  #isDrained = false;
  #hasEnded = false;
  #killed: KillReason | undefined;
  #lastReason: string | undefined;

  constructor(options: IsolateOptions) {
    this.#options = options;
    this.id = options.id;
    this.#activity = new Activity(options.now);
    this.#bornAt = options.now();
    this.#process = new WorkerProcess(options.command, {
      onSaid: (line) => this.#hear(line),
      onOutput: options.onOutput,
    });
    this.ready = this.#listening.promise;
    this.ready.catch(() => {/* whoever waits for it is told */});
    this.ended = this.#end();
  }

  get state(): IsolateState {
    if (this.#hasEnded) return "ended";
    if (!this.#isListening) return "booting";
    if (this.#warned.size > 0) return "warned";
    return this.#isRetired ? "retired" : "active";
  }

  /** True if new requests reach it. */
  get isTaking(): boolean {
    return this.#isListening && !this.#isRetired && !this.#hasEnded && this.#killed === undefined;
  }

  /** True if nothing of it is left to wait for when the host ends. */
  get isThrough(): boolean {
    return this.connections.size === 0 && this.#activity.isDone;
  }

  /** Why it was last retired, warned or killed. */
  get lastReason(): string | undefined {
    return this.#lastReason;
  }

  get report(): IsolateReport {
    if (this.#meter && !this.#hasEnded) this.#usage = this.#meter.read();
    let sockets = 0;
    for (const { isSocket } of this.connections) if (isSocket) sockets++;
    return { isolate: this.id, ...this.#usage, sockets, unanswered: this.#activity.unanswered };
  }

  /** A request is given to it. */
  take(): void {
    this.#activity.count(1);
  }

  /** The response to a request is complete; 101 completes it. */
  answered(): void {
    this.#activity.count(-1);
  }

  /** Looks at what it has used, and does what is due. */
  look(): void {
    if (this.#hasEnded || this.#killed !== undefined) return;
    const now = this.#options.now();
    if (!this.#isListening && now - this.#bornAt >= this.#options.limits.bootMs) {
      this.#failure = "it did not call Deno.serve in time";
      this.kill("wall_clock");
      return;
    }
    if (!this.#meter) return;
    this.#usage = this.#meter.read();
    for (const step of stepsDue(this.#standing(), this.#options.limits)) this.#do(step);
    for (const connection of this.connections) {
      if (now - connection.heardAt < this.#options.limits.idleMs) continue;
      this.#options.onHappening({ type: "silenced" });
      connection.cut(SILENT);
      this.connections.delete(connection);
    }
  }

  /** Announces that the host ends; no new requests from now on. */
  terminate(): void {
    if (this.#hasEnded) return;
    if (!this.#isRetired) this.#do({ action: "retire", reason: "termination" });
    if (!this.#isDrained) this.#do({ action: "drain" });
    if (!this.#warned.has("termination")) this.#do({ action: "warn", reason: "termination" });
  }

  /** Ends it at once: no close frame goes out. */
  kill(reason: KillReason): void {
    if (this.#hasEnded || this.#killed !== undefined) return;
    this.#killed = reason;
    this.#process.kill();
    this.#lastReason = reason;
    this.#options.onHappening({ type: "killed", reason });
    this.#cutAll();
  }

  #standing(): Standing {
    return {
      usage: this.#usage,
      looksIdle: this.#isListening && this.#activity.looksIdle,
      unanswered: this.#activity.unanswered,
      absentMs: this.#activity.absentMs,
      isRetired: this.#isRetired,
      isDrained: this.#isDrained,
      warned: this.#warned,
    };
  }

  #do(step: Step): void {
    switch (step.action) {
      case "kill":
        return this.kill(step.reason);
      case "drain":
        this.#isDrained = true;
        this.#process.tell({ dispatch: "drain" });
        return this.#options.onHappening({ type: "drained" });
      case "retire":
        this.#isRetired = true;
        this.#lastReason = step.reason;
        return this.#options.onHappening({ type: "retired", reason: step.reason });
      case "warn":
        this.#warned.add(step.reason);
        this.#lastReason = step.reason;
        this.#process.tell({ dispatch: "beforeunload", reason: step.reason });
        return this.#options.onHappening({ type: "warned", reason: step.reason });
      default:
        step satisfies never;
    }
  }

  #hear(line: WorkerLine): void {
    switch (line.said) {
      case "born":
        this.#count();
        return this.#process.tell({ import: this.#options.command.entry.href });
      case "listening":
        return this.#listen(line.port);
      case "failed":
        this.#failure = line.message;
        return;
      case "waiting":
        return this.#activity.wait(line.promises);
      case "dispatched":
        // What its listeners did at once is done; the host waits for nothing else.
        if (line.reason === "early_drop") this.kill("early_drop");
        return;
      default:
        line satisfies never;
    }
  }

  #listen(port: number): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { now, onHappening } = this.#options;
    this.#activity.touch();
    this.#listening.resolve(port);
    onHappening({ type: "booted", pid: this.#process.pid, bootMs: now() - this.#bornAt });
  }

  #count(): void {
    try {
      this.#meter = new Meter(this.#process.pid, this.#options.now);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      // It has ended meanwhile.
    }
  }

  #cutAll(): void {
    const isOver = this.#killed !== undefined && this.#killed !== "asked" && this.#killed !== "termination";
    for (const connection of this.connections) connection.cut(isOver ? OVER_LIMIT : CRASHED);
  }

  async #end(): Promise<void> {
    const { code } = await this.#process.ended;
    this.#hasEnded = true;
    const wasListening = this.#isListening;
    if (!wasListening) {
      const message = this.#killed && this.#killed !== "wall_clock"
        ? `it was killed for ${this.#killed}`
        : this.#failure;
      this.#listening.reject(new Error(message));
      this.#options.onHappening({ type: "boot_failed", message });
    }
    this.#cutAll();
    const reason = this.#killed ?? "crashed";
    this.#lastReason = reason;
    this.#options.onHappening({ type: "exited", reason, code });
  }
}
