import { findInstalled } from "../../../tools/support/installed.ts";

const nginx = findInstalled({
  name: "nginx",
  tests: "its tests",
  hint: "Get it with `apt-get install nginx-light`, or name one in NGINX",
  places: [
    Deno.env.get("NGINX"),
    "/usr/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/usr/bin/nginx",
    "/opt/homebrew/bin/nginx",
    "/usr/local/bin/nginx",
  ],
});

/** True if tests with nginx must be skipped; see `Found.isMissing`. */
export const isWithoutNginx: boolean = nginx.isMissing;

/**
 * Finds the nginx of this machine.
 * @throws {Error} when no nginx is installed
 */
export function nginxPath(): string {
  return nginx.path();
}
