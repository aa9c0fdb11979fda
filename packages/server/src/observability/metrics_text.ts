import { type MetricMeaning, type MetricName, METRICS } from "./metric_list.ts";

/** Values of labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
export interface Sample {
  /** Such as `_bucket`, for histograms. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

/** Renders all metrics in Prometheus' text format, version 0.0.4. */
export function renderMetrics(samples: Readonly<Record<MetricName, readonly Sample[]>>): string {
  const families = Object.entries<MetricMeaning>(METRICS).map(([name, { type, help }]) => {
    const lines = samples[name as MetricName].map(({ suffix = "", labels, value }) =>
      `realtime_${name}${suffix}${renderLabels(labels)} ${value}\n`
    );
    return `# HELP realtime_${name} ${help}.\n# TYPE realtime_${name} ${type}\n${lines.join("")}`;
  });
  return families.join("");
}

function renderLabels(labels: Labels | undefined): string {
  if (!labels || Object.keys(labels).length === 0) return "";
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return `{${pairs.join(",")}}`;
}

function escape(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => character === "\n" ? "\\n" : `\\${character}`);
}
