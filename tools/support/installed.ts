/** Program that tests need. */
interface Installed {
  /** Name in messages. */
  readonly name: string;
  /** Tests that need the program. */
  readonly tests: string;
  /** Advice on the installation. */
  readonly hint: string;
  /** Paths to try; the first existing one is used. */
  readonly places: readonly (string | undefined)[];
  /** True if tests use a program of another machine. */
  readonly isElsewhere?: boolean;
}

/** Result of the search. */
export interface Found {
  /**
   * True if the tests have to be skipped, for `ignore` of `Deno.test`. In CI (variable CI) the
   * tests fail instead.
   */
  readonly isMissing: boolean;
  /** Path of the program. @throws {Error} if the program is missing */
  path(): string;
}

/** Finds a program; prints the advice if its tests are skipped. */
export function findInstalled({ name, tests, hint, places, isElsewhere = false }: Installed): Found {
  const named = places.filter((place) => place !== undefined);
  const found = named.find(exists);
  const isMissing = found === undefined && !isElsewhere && !Deno.env.get("CI");
  if (isMissing) console.log(`No ${name}: ${tests} are skipped. ${hint}.`);
  return {
    isMissing,
    path() {
      if (found === undefined) throw new Error(`No ${name} at any of ${named.join(", ")}. ${hint}.`);
      return found;
    },
  };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
