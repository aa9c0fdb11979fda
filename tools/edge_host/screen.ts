/** Where lines go that stay, and a table below them that is drawn again and again. */
export interface Screen {
  /** Writes a line that stays. */
  write(line: string): void;
  /** Draws the table again. */
  redraw(): void;
}

/** Parts of a screen. */
export interface ScreenOptions {
  /** Undefined where there shall be no table. */
  readonly drawTable: (() => readonly string[]) | undefined;
  /** Columns of the terminal; longer lines of the table are cut, since one that wraps could not be wiped. */
  readonly columns: () => number;
  readonly output: (text: string) => void;
}

/** Clears from the cursor to the end of the screen. */
const WIPE = "\x1b[0J";

/** A screen: lines that stay scroll away above, the table is always the last thing. */
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

/** Cuts to so many columns; colours take none. */
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
