import { deadline } from "@std/async";
import type { Page } from "playwright-core";

/** A page that is stuck would keep a test for ever. */
const ANSWER_MS = 20_000;

/** A page's functions by name, which take and give what can be JSON. */
type Functions = Readonly<Record<string, (...values: never[]) => unknown>>;

/** Calls one of a page's functions. */
export type PageCall<Controls extends Functions> = <Name extends keyof Controls & string>(
  name: Name,
  ...values: Parameters<Controls[Name]>
) => Promise<Awaited<ReturnType<Controls[Name]>>>;

/**
 * Returns callers of the functions that the page's script registered with `offer`. Their errors
 * reject the call.
 */
export function callsOf<Controls extends Functions>(page: Page): PageCall<Controls> {
  return async (name, ...values) => {
    const answer = page.evaluate(([name, values]) => {
      const { controls } = globalThis as unknown as {
        controls: Record<string, (...values: unknown[]) => never>;
      };
      const control = controls[name];
      if (!control) throw new Error(`The page offers no ${name}.`);
      return control(...values);
    }, [name, values as unknown[]] as const);
    return await deadline(answer, ANSWER_MS);
  };
}
