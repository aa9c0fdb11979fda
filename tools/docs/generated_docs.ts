import { describeVariables } from "../../packages/server/src/config/variables.ts";
import * as z from "zod/mini";
import { hostedTable, performanceTables } from "../bench/report/tables.ts";
import { ClientFrame } from "../../packages/server/src/schemas/client_frames.ts";
import { CLOSE_MEANINGS } from "../../packages/protocol/close_codes.ts";
import { type ErrorMeaning, ERRORS } from "../../packages/protocol/error_codes.ts";
import { type MetricMeaning, METRICS } from "../../packages/server/src/observability/metric_list.ts";
import { FIELD_TEXT } from "../../packages/server/src/schemas/field_text.ts";
import { markdownTable as table } from "../support/markdown_table.ts";
import { JoinFrame, LeaveFrame } from "../../packages/server/src/schemas/shared_frames.ts";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";

/**
 * Part of a document that the code generates, between `<!-- name:begin -->` and `<!-- name:end
 * -->`.
 */
interface GeneratedPart {
  readonly file: string;
  readonly name: string;
  readonly text: () => string;
}

/** All generated parts of the docs. */
export const GENERATED_PARTS: readonly GeneratedPart[] = [
  { file: "docs/configuration.md", name: "variables", text: variablesTable },
  {
    file: "docs/protocol.md",
    name: "client-frames",
    text: () => framesTable([...ClientFrame.def.options, JoinFrame, LeaveFrame]),
  },
  { file: "docs/protocol.md", name: "server-frames", text: () => framesTable(ServerFrame.def.options) },
  { file: "docs/protocol.md", name: "errors", text: errorsTable },
  { file: "docs/protocol.md", name: "closes", text: closesTable },
  { file: "docs/operations.md", name: "metrics", text: metricsTable },
  { file: "docs/performance.md", name: "figures", text: () => performanceTables() },
  { file: "docs/performance.md", name: "hosted", text: () => hostedTable() },
];

/** Replaces the part in a document. @throws {Error} if the document lacks its markers */
export function withPart(document: string, { file, name, text }: GeneratedPart): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no markers ${begin} … ${end}: add both`);
  return `${document.slice(0, from + begin.length)}\n${text()}\n${document.slice(to)}`;
}

function variablesTable(): string {
  return table(
    ["variable", "what it decides", "allowed", "default"],
    [...describeVariables()].map(([name, { description, allowed, byDefault, secret }]) => [
      `\`${name}\``,
      description,
      secret ? `${allowed} (secret)` : allowed,
      byDefault,
    ]),
  );
}

function errorsTable(): string {
  return table(
    ["code", "status", "title", "may succeed later", "what to do"],
    Object.entries<ErrorMeaning>(ERRORS).map(([code, { status, title, retryable, detail }]) => [
      `\`${code}\``,
      String(status),
      title,
      retryable ? "yes" : "no",
      detail,
    ]),
  );
}

function closesTable(): string {
  return table(["code", "meaning"], Object.entries(CLOSE_MEANINGS));
}

function metricsTable(): string {
  return table(
    ["metric", "type", "labels", "meaning"],
    Object.entries<MetricMeaning>(METRICS).map(([name, { type, labels, help }]) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(", "),
      help,
    ]),
  );
}

/** Formats a table with one row per field; the first row of a frame has its name. */
function framesTable(frames: readonly z.ZodMiniObject[]): string {
  return table(
    ["frame", "field", "what it is"],
    frames.flatMap((frame) => {
      const { type, ...fields } = frame.shape;
      const name = type instanceof z.ZodMiniLiteral ? String(type.def.values) : "";
      return Object.entries(fields).map(([field, schema], at) => [
        at === 0 ? `\`${name}\`` : "",
        `\`${field}${schema._zod.def.type === "optional" ? "?" : ""}\``,
        FIELD_TEXT.get(schema)?.text ?? "",
      ]);
    }),
  );
}
