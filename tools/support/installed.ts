/** Something that tests need and that this machine may have or not. */
export interface Installed {
  /** Name in messages. */
  readonly name: string;
  /** Tests that need it. */
  readonly tests: string;
  /** Advice on getting it. */
  readonly hint: string;
  /** Paths to try; the first that exists counts. */
  readonly places: readonly (string | undefined)[];
  /** True if tests use one of another machine's. */
  readonly isElsewhere?: boolean;
}

/** Result of the search. */
export interface Found {
  /**
   * Whether its tests have to be left out: for `ignore` of `Deno.test`. True where it is not there, except in CI (with CI in the
   * environment), where they fail instead.
   */
  readonly isMissing: boolean;
  /**
   * Where it is.
   * @throws {Error} when it is not there
   */
  path(): string;
}

/** Looks for it, and says how to get it when its tests have to be left out. */
export function findInstalled({ name, tests, hint, places, isElsewhere = false }: Installed): Found {
  const named = places.filter((place) => place !== undefined);
  const found = named.find(exists);
  const isMissing = found === undefined && !isElsewhere && !Deno.env.get("CI");
  if (isMissing) console.log(`No ${name}: ${tests} are left out. ${hint}.`);
  return {
    isMissing,
    path() {
      if (found === undefined) throw new Error(`There is no ${name} at any of ${named.join(", ")}.`);
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
