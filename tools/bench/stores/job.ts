/** Stores that share rooms between isolates. */
export type StoreName = "postgres" | "redis";

/** Sides of latency: two function processes, the store's client alone, and two backplanes. */
export const LATENCY_SIDES = ["sockets", "bare", "backplanes"] as const;
export type LatencySide = (typeof LATENCY_SIDES)[number];

/** Job for the store's worker, one at a time. */
export type StoreJob =
  /** Connects all sides; `rooms` are URLs of one room in two servers, the publisher's first. */
  | {
    readonly type: "connect";
    readonly store: StoreName;
    readonly url: string;
    readonly rooms: readonly [from: string, to: string];
  }
  /** Publishes one message after the other; answered with the milliseconds of each (`number[]`). */
  | { readonly type: "latencies"; readonly side: LatencySide; readonly count: number }
  /** Publishes with several messages on their way; answered with the rate a second (`number`). */
  | {
    readonly type: "throughput";
    readonly store: StoreName;
    readonly url: string;
    /** The bare side inserts single rows, or sends PUBLISH to Redis. */
    readonly side: "backplane" | "bare";
    readonly rooms: number;
    readonly count: number;
    readonly inFlight: number;
  };

/** Job of one type. */
export type StoreJobOf<Type extends StoreJob["type"]> = Extract<StoreJob, { readonly type: Type }>;

/** Data of a message: JSON of 100 bytes. */
export const DATA = JSON.stringify({ text: "x".repeat(89) });
/** Sender of a message, with ids of Supabase's length. */
export const SENDER = { user: "8c2f4a56-3c1e-4d0b-9a77-5b0f2e6d1c34", connection: "b3d1c9e2-7f60-4c58-8e15" };
