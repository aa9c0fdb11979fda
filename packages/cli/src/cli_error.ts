/** Exit codes of the command. */
export const EXIT = { done: 0, problem: 1, usage: 2 } as const;

/** Place in a file that an error is about. */
export interface ErrorPlace {
  readonly file?: string;
  readonly line?: number;
}

/** A refusal that the user can act on: what is wrong, where, and the next step. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: number;
  readonly place: ErrorPlace;

  constructor(message: string, options: { readonly exitCode?: number; readonly place?: ErrorPlace } = {}) {
    super(message);
    this.exitCode = options.exitCode ?? EXIT.problem;
    this.place = options.place ?? {};
  }
}

/** A command line that names no such thing. */
export function usageError(message: string): CliError {
  return new CliError(`${message} \`realtime-edge --help\` lists the commands.`, { exitCode: EXIT.usage });
}
