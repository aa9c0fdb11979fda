import process from "node:process";
import { createInterface } from "node:readline/promises";
import { CliError } from "./cli_error.ts";

/**
 * Asks the person at the terminal. An empty answer means `byDefault`, or an empty text without one.
 * @throws {CliError} if the input ends without an answer
 */
export type Ask = (question: string, byDefault?: string) => Promise<string>;

/** Creates the questions of this process; undefined if nobody could see or answer them. */
export function createAsk(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  return async (question, byDefault) => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const ended = new Promise<never>((_, reject) => {
      terminal.once("close", () => reject(new CliError("There was no answer. Nothing was changed.")));
    });
    try {
      const shown = byDefault === undefined ? question : `${question} [${byDefault}]`;
      const answer = await Promise.race([terminal.question(`${shown}: `), ended]);
      return answer.trim() || (byDefault ?? "");
    } finally {
      terminal.close();
    }
  };
}
