import { CONFIG_PATH, functionConfig, parseConfig } from "../project/config_toml.ts";
import type { EngineFunction } from "../project/function_pins.ts";
import type { Project } from "../project/project.ts";
import { type Finding, ok, problem } from "./finding.ts";

const CHECK = "config.toml";

/** Checks that the platform leaves the token to the function, and keeps its isolate. */
export function checkConfig(project: Project, functions: readonly EngineFunction[]): Finding[] {
  const config = parseConfig(project.config);
  const findings = functions.map(({ name }) =>
    functionConfig(config, name)?.verifyJwt === false
      ? ok(CHECK, `verify_jwt is false for ${name}`)
      : problem(
        CHECK,
        `verify_jwt is not false for ${name}: the platform refuses browsers, which cannot send a header`,
        `set verify_jwt = false under [functions.${name}] in ${CONFIG_PATH}, and deploy again`,
      )
  );
  const runtime = config["edge_runtime"];
  const policy = typeof runtime === "object" && "policy" in runtime ? runtime["policy"] : undefined;
  if (policy === "oneshot") {
    findings.push(
      problem(
        CHECK,
        'edge_runtime.policy is "oneshot": locally a socket ends with its 101',
        `set policy = "per_worker" under [edge_runtime] in ${CONFIG_PATH}`,
      ),
    );
  }
  return findings;
}
