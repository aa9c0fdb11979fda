import { devToken, parseDevTokenQuery } from "../../dev/dev_token.ts";
import type { Ask } from "../ask.ts";
import { EXIT, usageError } from "../cli_error.ts";
import { readProject } from "../project/project.ts";
import { loadDevIssuer } from "../project/state_folder.ts";
import type { Report } from "../report.ts";

/** Options of `token`: JSON as text, as it was given. */
export interface TokenOptions {
  readonly dir: string;
  readonly user: string | undefined;
  readonly role: string | undefined;
  readonly appMetadata: string | undefined;
  readonly claims: string | undefined;
  readonly ask: Ask | undefined;
}

/**
 * Signs a token of the project's dev issuer, which only `realtime-edge dev` accepts.
 * @throws {CliError} for wrong options
 */
export async function token(options: TokenOptions): Promise<Report> {
  const { root } = await readProject(options.dir);
  const query = new URLSearchParams();
  const given = {
    user: options.user ?? await options.ask?.("Name of the user", "alice"),
    role: options.role,
    app_metadata: options.appMetadata,
    claims: options.claims,
  };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
  const request = parseDevTokenQuery(query);
  if (typeof request === "string") {
    const example = `realtime-edge token --user alice --app-metadata '{"role":"teacher"}'`;
    // The refusal names fields of `/dev/token`; here they are options.
    const refusal = request.replace(/`(\w+)`/g, (_, name: string) => `--${name.replace("_", "-")}`);
    throw usageError(`${refusal} For example: ${example}.`);
  }
  const signed = await devToken(await loadDevIssuer(root), request);
  return { exitCode: EXIT.done, text: signed, json: { command: "token", ok: true, token: signed } };
}
