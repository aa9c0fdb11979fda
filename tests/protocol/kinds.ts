/** The two kinds of clients; most rules hold for both. */
export const KINDS = [
  { kind: "a realtime.v1 client", plain: false },
  { kind: "a plain client", plain: true },
] as const;
