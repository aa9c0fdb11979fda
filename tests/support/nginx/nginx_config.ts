import { documentedConfig } from "../proxies/documented_config.ts";

/** Values that replace those of the documented configuration. */
export interface NginxValues {
  /** Port of nginx on 127.0.0.1. */
  readonly port: number;
  /** Ports of the two processes on 127.0.0.1. */
  readonly upstreams: readonly [number, number];
  /** Directory of the logs. */
  readonly logDirectory: string;
}

/** Reads nginx's configuration of docs/deploy.md, with these values. */
export function nginxConfig({ port, upstreams, logDirectory }: NginxValues): Promise<string> {
  return documentedConfig("nginx", [
    ["server 127.0.0.1:8001 ", `server 127.0.0.1:${upstreams[0]} `],
    ["server 127.0.0.1:8002 ", `server 127.0.0.1:${upstreams[1]} `],
    ["listen 80;", `listen 127.0.0.1:${port};`],
    ["/var/log/nginx/realtime.access.log", `${logDirectory}/access.log`],
    ["/var/log/nginx/realtime.error.log", `${logDirectory}/error.log`],
  ]);
}
