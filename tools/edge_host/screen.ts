/** Terminal output: permanent lines, and a table below them that is redrawn. */
interface Screen {
  /** Writes a permanent line. */
  write(line: string): void;
  redraw(): void;
}

/** Options of a screen. */
interface ScreenOptions {
  /** Undefined for no table. */
  readonly drawTable: (() => readonly string[]) | undefined;
  /**
   * Columns of the terminal; longer table lines are cut, because wrapped lines could not be
   * cleared.
   */
  readonly columns: () => number;
  readonly output: (text: string) => void;
}

/** Clears from the cursor to the end of the screen. */
const WIPE = "\x1b[0J";

/** Creates a screen: permanent lines scroll up, and the table stays at the bottom. */
export function createScreen({ drawTable, columns, output }: ScreenOptions): Screen {
  let height = 0;

  function table(): string {
    if (!drawTable) return "";
    const lines = drawTable().map((line) => cut(line, columns()));
    height = lines.length;
    return lines.map((line) => `${line}\n`).join("");
  }

  function wipe(): string {
    return height > 0 ? `\x1b[${height}A\r${WIPE}` : "";
  }

  return {
    write: (line) => output(`${wipe()}${line}\n${table()}`),
    redraw() {
      if (drawTable) output(`${wipe()}${table()}`);
    },
  };
}

/** Cuts a line to `columns`; colour codes have no width. */
function cut(line: string, columns: number): string {
  let shown = 0;
  let kept = "";
  // deno-lint-ignore no-control-regex
  for (const [part] of line.matchAll(/\x1b\[\d+m|[^\x1b]/g)) {
    if (part.length === 1 && ++shown > columns) continue;
    kept += part;
  }
  return kept;
}
