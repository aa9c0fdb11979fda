/** Where nginx may be; the environment's NGINX names another. */
const PLACES = [
  Deno.env.get("NGINX"),
  "/usr/sbin/nginx",
  "/usr/local/sbin/nginx",
  "/usr/bin/nginx",
  "/opt/homebrew/bin/nginx",
  "/usr/local/bin/nginx",
];

const program = PLACES.find((path) => path !== undefined && exists(path));

/**
 * Whether tests with nginx have to be left out: for `ignore` of `Deno.test`. True where there is none, except in CI (with CI in the
 * environment), where they fail instead.
 */
export const isWithoutNginx: boolean = program === undefined && !Deno.env.get("CI");
if (isWithoutNginx) {
  console.log(
    "No nginx: its tests are left out. Get it with `apt-get install nginx-light`, or name one in NGINX.",
  );
}

/**
 * The nginx of this machine.
 * @throws {Error} when there is none
 */
export function nginxPath(): string {
  if (program === undefined) {
    throw new Error(`There is no nginx at any of ${PLACES.filter(Boolean).join(", ")}.`);
  }
  return program;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
