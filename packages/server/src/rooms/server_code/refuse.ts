/** Longest reason and text of a refusal, in characters. */
const MAX_REASON_LENGTH = 64;
const MAX_TEXT_LENGTH = 1_000;

/** Thrown by server code to refuse: answered with `refused` and the reason. Made by `refuse`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: string;

  constructor(reason: string, text: string) {
    super(text);
    this.reason = reason;
  }
}

/**
 * Makes the error with which a hook, a call or a route refuses: `throw refuse("rude", "Be kind.")`.
 * Clients get the code `refused`, with `reason` for programs and the text for people.
 * @throws {TypeError} unless the reason has 1 to 64 characters, and the text at most 1,000
 */
export function refuse(reason: string, text: string): Refusal {
  if (typeof reason !== "string" || reason === "" || reason.length > MAX_REASON_LENGTH) {
    throw new TypeError(`refuse: reason must be text of 1 to ${MAX_REASON_LENGTH} characters`);
  }
  if (typeof text !== "string" || text.length > MAX_TEXT_LENGTH) {
    throw new TypeError(`refuse: text must be text of at most ${MAX_TEXT_LENGTH} characters`);
  }
  return new Refusal(reason, text);
}
