import type { Sample } from "./flatness.ts";

/** A line of the plot. */
export interface Curve {
  readonly name: string;
  readonly color: string;
  readonly samples: readonly Sample[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [860, 320, 60, 20, 44, 40];
const MIB = 1024 * 1024;

/** Memory over time as SVG, from zero; readable on light and on dark pages. */
export function plotMemory(title: string, curves: readonly Curve[]): string {
  const samples = curves.flatMap((curve) => curve.samples);
  const lastAt = Math.max(1, ...samples.map(({ at }) => at));
  const stepMib = niceStep(Math.max(1, ...samples.map(({ value }) => value)) / MIB / 5);
  const topMib = Math.ceil(Math.max(1, ...samples.map(({ value }) => value)) / MIB / stepMib) * stepMib;
  const x = (at: number) => round(LEFT + at / lastAt * (WIDTH - LEFT - RIGHT));
  const y = (mib: number) => round(HEIGHT - BOTTOM - mib / topMib * (HEIGHT - TOP - BOTTOM));
  const minuteStep = niceStep(lastAt / 60 / 8);
  const grid = range(topMib, stepMib).map((mib) =>
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mib)}" y2="${
      y(mib)
    }" stroke="#888" stroke-opacity="0.3"/>` +
    `<text x="${LEFT - 8}" y="${y(mib) + 4}" text-anchor="end">${mib} MiB</text>`
  );
  const minutes = range(lastAt / 60, minuteStep).map((minute) =>
    `<text x="${x(minute * 60)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${minute} min</text>`
  );
  const lines = curves.map(({ name, color, samples }, index) => {
    const points = samples.map(({ at, value }) => `${x(at)},${y(value / MIB)}`).join(" ");
    const legend = LEFT + index * 220;
    return `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="1.5"/>` +
      `<line x1="${legend}" x2="${legend + 18}" y1="32" y2="32" stroke="${color}" stroke-width="3"/>` +
      `<text x="${legend + 24}" y="36">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#777">`,
    `<text x="${LEFT}" y="18" font-size="14">${title}</text>`,
    ...grid,
    ...minutes,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

/** 1, 2 or 5 times a power of ten, at least as much as asked for. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least) ?? 10 * power;
}

function range(to: number, step: number): number[] {
  return Array.from({ length: Math.floor(to / step + 1e-9) + 1 }, (_, index) => round(index * step));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
