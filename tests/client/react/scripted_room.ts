import { RoomError } from "../../../packages/client/mod.ts";
import type { Gap, HistoryPage, PageQuery, Position, RoomMessage } from "../../../packages/client/mod.ts";
import type { ReadableRoom } from "../../../packages/client/react/message_log.ts";

/** Data of these messages: their number. */
export interface Numbers {
  number: number;
  other: number;
}
type Listener = { readonly kind: string; readonly tell: (value: never) => void };

/** A room without a connection: a test says what comes, and when a page of history is answered. */
export class ScriptedRoom implements ReadableRoom<Numbers> {
  position: Position | null = { epoch: "e1", offset: 0 };
  /** Messages from here on are kept. */
  keptFrom = 1;
  /** Reason for which history is refused. */
  refusal: RoomError | null = null;
  /** Pages that were asked for. */
  readonly asked: PageQuery[] = [];
  readonly #listeners = new Set<Listener>();
  #history: RoomMessage<Numbers>[] = [];
  #holding: PromiseWithResolvers<void> | null = null;

  /** A durable message comes. */
  come(event: keyof Numbers = "number"): void {
    const epoch = this.position?.epoch ?? "e1";
    const offset = (this.position?.offset ?? 0) + 1;
    this.position = { epoch, offset };
    const message = {
      offset,
      event,
      data: offset,
      from: { user: "bob" },
      id: `${epoch}-${offset}`,
      at: offset,
    };
    this.#history.push(message);
    this.#tell("message", message);
  }

  /** An ephemeral message comes. */
  comeAndGo(): void {
    this.#tell("message", { event: "number", data: -1, from: { user: "bob" }, id: "gone", at: 0 });
  }

  /** Messages are told to be missing: they are kept no more, nor what was before. */
  miss(gap: Gap): void {
    this.keptFrom = (gap.to ?? 0) + 1;
    this.position = { epoch: gap.epoch, offset: gap.to ?? 0 };
    this.#tell("gap", gap);
  }

  /** The history is lost, and another one begins. */
  forget(epoch: string): void {
    const from = (this.position?.offset ?? 0) + 1;
    this.#history = [];
    this.miss({ from, to: null, epoch });
  }

  /** Pages that are asked for from now on wait; what it returns lets them go. */
  hold(): () => void {
    const holding = this.#holding = Promise.withResolvers<void>();
    return () => {
      holding.resolve();
      this.#holding = null;
    };
  }

  /** True if there is a listener. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  live(): Promise<never> {
    return Promise.reject(new RoomError("closed", "There is nobody."));
  }

  async history(query: PageQuery): Promise<HistoryPage<Numbers>> {
    this.asked.push(query);
    await this.#holding?.promise;
    if (this.refusal) throw this.refusal;
    const { before = Infinity, limit = 100 } = query;
    const all = this.#history.filter(({ offset = 0 }) => offset >= this.keptFrom && offset < before);
    return { messages: all.slice(-limit), more: all.length > limit };
  }

  on(kind: string, tell: (value: never) => void): () => void {
    const listener = { kind, tell };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(kind: string, value: unknown): void {
    for (const listener of [...this.#listeners]) if (listener.kind === kind) listener.tell(value as never);
  }
}
