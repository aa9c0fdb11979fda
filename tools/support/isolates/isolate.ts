import { Activity } from "./activity.ts";
import type { Connection } from "./connection.ts";
import type { WorkerLine } from "./control.ts";
import type { IsolateEvent, IsolateReport } from "./events.ts";
import type { EdgeLimits } from "./limits.ts";
import { Meter } from "./meter.ts";
import {
  type IsolateStatus,
  type KillReason,
  type Step,
  stepsDue,
  type UnloadReason,
  type Usage,
} from "./policy.ts";
import { CRASHED, OVER_LIMIT, SILENT } from "./refusal.ts";
import { type WorkerCommand, WorkerProcess } from "./worker_process.ts";

/** Options of an isolate. */
interface IsolateOptions {
  readonly id: string;
  readonly command: WorkerCommand;
  readonly limits: EdgeLimits;
  /** Clock in milliseconds of any origin. */
  readonly now: () => number;
  readonly onEvent: (event: IsolateEvent) => void;
  readonly onOutput: (line: string) => void;
}

/** State of an isolate. */
export type IsolateState = "booting" | "active" | "retired" | "warned" | "ended";

/** An isolate: a worker process, its usage, and the policy's steps. */
export class Isolate {
  readonly id: string;
  /** Port of the function; rejects if the function fails to start. */
  readonly ready: Promise<number>;
  /** Resolves once the process has ended and all its connections are cut. */
  readonly ended: Promise<void>;
  readonly connections = new Set<Connection>();
  readonly #options: IsolateOptions;
  readonly #process: WorkerProcess;
  readonly #listening = Promise.withResolvers<number>();
  readonly #warned = new Set<UnloadReason>();
  readonly #activity: Activity;
  readonly #startedAt: number;
  #meter: Meter | undefined;
  #usage: Usage = { ageMs: 0, cpuMs: 0, memoryBytes: 0 };
  #failure = "it ended without an error message";
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
    this.#startedAt = options.now();
    this.#process = new WorkerProcess(options.command, {
      onWorkerLine: (line) => this.#handle(line),
      onOutput: options.onOutput,
    });
    this.ready = this.#listening.promise;
    this.ready.catch(() => {/* callers that await it see the error */});
    this.ended = this.#end();
  }

  get state(): IsolateState {
    if (this.#hasEnded) return "ended";
    if (!this.#isListening) return "booting";
    if (this.#warned.size > 0) return "warned";
    return this.#isRetired ? "retired" : "active";
  }

  /** True if the isolate accepts new requests. */
  get acceptsRequests(): boolean {
    return this.#isListening && !this.#isRetired && !this.#hasEnded && this.#killed === undefined;
  }

  /** True if no connection, request or promise is left. */
  get isComplete(): boolean {
    return this.connections.size === 0 && this.#activity.isDone;
  }

  /** Reason of the last retirement, warning or kill. */
  get lastReason(): string | undefined {
    return this.#lastReason;
  }

  get report(): IsolateReport {
    if (this.#meter && !this.#hasEnded) this.#usage = this.#meter.read();
    let sockets = 0;
    for (const { isSocket } of this.connections) if (isSocket) sockets++;
    return { isolate: this.id, ...this.#usage, sockets, unanswered: this.#activity.unanswered };
  }

  /** Counts a request that the isolate receives. */
  take(): void {
    this.#activity.count(1);
  }

  /** Counts a complete response; a 101 is one. */
  answered(): void {
    this.#activity.count(-1);
  }

  /** Reads the usage and applies the due steps. */
  check(): void {
    if (this.#hasEnded || this.#killed !== undefined) return;
    const now = this.#options.now();
    if (!this.#isListening && now - this.#startedAt >= this.#options.limits.bootMs) {
      this.#failure = "it did not call Deno.serve in time";
      this.kill("wall_clock");
      return;
    }
    if (!this.#meter) return;
    this.#usage = this.#meter.read();
    for (const step of stepsDue(this.#status(), this.#options.limits)) this.#do(step);
    for (const connection of this.connections) {
      if (now - connection.lastActivityAt < this.#options.limits.idleMs) continue;
      this.#options.onEvent({ type: "silenced" });
      connection.cut(SILENT);
      this.connections.delete(connection);
    }
  }

  /** Retires, drains and warns the isolate because the host ends. */
  terminate(): void {
    if (this.#hasEnded) return;
    if (!this.#isRetired) this.#do({ action: "retire", reason: "termination" });
    if (!this.#isDrained) this.#do({ action: "drain" });
    if (!this.#warned.has("termination")) this.#do({ action: "warn", reason: "termination" });
  }

  /** Kills the process immediately, without close frames. */
  kill(reason: KillReason): void {
    if (this.#hasEnded || this.#killed !== undefined) return;
    this.#killed = reason;
    this.#process.kill();
    this.#lastReason = reason;
    this.#options.onEvent({ type: "killed", reason });
    this.#cutAll();
  }

  #status(): IsolateStatus {
    return {
      usage: this.#usage,
      isIdle: this.#isListening && this.#activity.isIdle,
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
        this.#process.send({ dispatch: "drain" });
        return this.#options.onEvent({ type: "drained" });
      case "retire":
        this.#isRetired = true;
        this.#lastReason = step.reason;
        return this.#options.onEvent({ type: "retired", reason: step.reason });
      case "warn":
        this.#warned.add(step.reason);
        this.#lastReason = step.reason;
        this.#process.send({ dispatch: "beforeunload", reason: step.reason });
        return this.#options.onEvent({ type: "warned", reason: step.reason });
      default:
        step satisfies never;
    }
  }

  #handle(line: WorkerLine): void {
    switch (line.type) {
      case "started":
        this.#count();
        return this.#process.send({ import: this.#options.command.entry.href });
      case "listening":
        return this.#listen(line.port);
      case "failed":
        this.#failure = line.message;
        return;
      case "waiting":
        return this.#activity.wait(line.promises);
      case "dispatched":
        // The listeners have returned; the host waits for nothing else.
        if (line.reason === "early_drop") this.kill("early_drop");
        return;
      default:
        line satisfies never;
    }
  }

  #listen(port: number): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { now, onEvent } = this.#options;
    this.#activity.touch();
    this.#listening.resolve(port);
    onEvent({ type: "booted", pid: this.#process.pid, bootMs: now() - this.#startedAt });
  }

  #count(): void {
    try {
      this.#meter = new Meter(this.#process.pid, this.#options.now);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      // The process has ended meanwhile.
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
      this.#options.onEvent({ type: "boot_failed", message });
    }
    this.#cutAll();
    const reason = this.#killed ?? "crashed";
    this.#lastReason = reason;
    this.#options.onEvent({ type: "exited", reason, code });
  }
}
