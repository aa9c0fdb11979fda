import type { PackageAssets } from "../project/package_assets.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

const CHECK = "deployment";
/** Longest wait for an answer; a first one starts an isolate. */
const TIMEOUT_MS = 15_000;

/** Checks that the deployed function answers, with this version, and is ready. */
export async function checkDeployment(
  url: string | undefined,
  { version }: PackageAssets,
): Promise<Finding[]> {
  if (url === undefined) {
    return [
      skipped(CHECK, "no address was given", "give --url https://PROJECT.supabase.co/functions/v1/realtime"),
    ];
  }
  const base = url.replace(/\/+$/, "");
  const health = await ask(`${base}/health`);
  if (typeof health === "string") {
    return [problem(CHECK, `${base} does not answer: ${health}`, "check the address")];
  }
  if (health.status === 401) {
    return [
      problem(
        CHECK,
        "the platform refuses requests without a token",
        "deploy again with verify_jwt = false in config.toml",
      ),
    ];
  }
  const deployed = health.body["version"];
  if (health.status !== 200 || typeof deployed !== "string") {
    return [
      problem(CHECK, `${base}/health answers ${health.status}`, "check the function's name, and its log"),
    ];
  }
  const ready = await ask(`${base}/health/ready`);
  const state = typeof ready === "string" ? ready : String(ready.body["status"]);
  return [
    deployed === version
      ? ok(CHECK, `${version} is deployed`)
      : problem(CHECK, `${deployed} is deployed, the project has ${version}`, "deploy the function"),
    state === "ready"
      ? ok(CHECK, "it is ready")
      : problem(CHECK, `it is not ready: ${state}`, `see ${base}/health/ready, and the function's log`),
  ];
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Fetches JSON; the reason as text if there is no answer. */
async function ask(url: string): Promise<Answer | string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body: unknown = await response.json().catch(() => ({}));
    return { status: response.status, body: typeof body === "object" && body !== null ? { ...body } : {} };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
