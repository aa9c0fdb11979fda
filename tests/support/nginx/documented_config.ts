import { readCodeBlock } from "../code_blocks.ts";

/** What of the documented configuration is another in a test. */
export interface NginxPlaces {
  /** Where it listens, at 127.0.0.1. */
  readonly port: number;
  /** Where the two processes listen, at 127.0.0.1. */
  readonly upstreams: readonly [number, number];
  /** Where its logs go. */
  readonly logDirectory: string;
}

/**
 * The configuration that docs/deploy.md gives, in other places and otherwise as it stands there.
 * @throws {Error} when the document no longer names what is replaced, or names it more than once
 */
export async function documentedConfig({ port, upstreams, logDirectory }: NginxPlaces): Promise<string> {
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
      throw new Error(`docs/deploy.md: its nginx block has ${from} ${parts.length - 1} times.`);
    }
    return parts.join(to);
  }, documented);
}
