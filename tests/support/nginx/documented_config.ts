import { readCodeBlock } from "../code_blocks.ts";

/** Values that replace those of the documented configuration. */
export interface NginxValues {
  /** Port of nginx on 127.0.0.1. */
  readonly port: number;
  /** Ports of the two processes on 127.0.0.1. */
  readonly upstreams: readonly [number, number];
  /** Directory of the logs. */
  readonly logDirectory: string;
}

/**
 * Reads the configuration of docs/deploy.md and replaces only ports and paths.
 * @throws {Error} when a replaced value does not occur exactly once in the document
 */
export async function documentedConfig({ port, upstreams, logDirectory }: NginxValues): Promise<string> {
  const documented = await readCodeBlock("docs/deploy.md", ({ language }) => language === "nginx");
  const replacements: readonly (readonly [from: string, to: string])[] = [
    ["server 127.0.0.1:8001 ", `server 127.0.0.1:${upstreams[0]} `],
    ["server 127.0.0.1:8002 ", `server 127.0.0.1:${upstreams[1]} `],
    ["listen 80;", `listen 127.0.0.1:${port};`],
    ["/var/log/nginx/realtime.access.log", `${logDirectory}/access.log`],
    ["/var/log/nginx/realtime.error.log", `${logDirectory}/error.log`],
  ];
  return replacements.reduce((config, [from, to]) => {
    const parts = config.split(from);
    if (parts.length !== 2) {
      throw new Error(
        `docs/deploy.md: the nginx block contains ${from} ${parts.length - 1} times, expected once.`,
      );
    }
    return parts.join(to);
  }, documented);
}
