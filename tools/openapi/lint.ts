/**
 * Lints the OpenAPI document of the function as shipped with Redocly's CLI (`deno task
 * openapi:lint`).
 */
import { app } from "../../supabase/functions/realtime/app.ts";
import { describeRoutes } from "../../packages/server/src/http/openapi/describe_routes.ts";

const REDOCLY = "@redocly/cli@2.77.0";
const CONFIG = new URL("redocly.yaml", import.meta.url).pathname;

const file = await Deno.makeTempFile({ suffix: ".json" });
try {
  await Deno.writeTextFile(file, JSON.stringify(describeRoutes(app.routes, "/realtime"), null, 2));
  const { code } = await new Deno.Command("npx", {
    args: ["-y", REDOCLY, "lint", file, "--config", CONFIG],
    env: { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(file);
}
