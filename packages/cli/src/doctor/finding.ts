/** Result of a check. */
export interface Finding {
  /** Subject of the check, such as `config.toml`. */
  readonly check: string;
  readonly state: "ok" | "problem" | "skipped";
  readonly text: string;
  /** The next step; only for a problem, or to have a skipped check done. */
  readonly fix?: string;
}

/** A check that found nothing wrong. */
export const ok = (check: string, text: string): Finding => ({ check, state: "ok", text });

/** Something wrong, and what to do. */
export const problem = (check: string, text: string, fix: string): Finding => ({
  check,
  state: "problem",
  text,
  fix,
});

/** A check that could not be made, and what it needs. */
export const skipped = (check: string, text: string, fix: string): Finding => ({
  check,
  state: "skipped",
  text,
  fix,
});
