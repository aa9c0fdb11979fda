import { nameOfDevUser } from "../dev/dev_user.ts";

/** Text that shows a user: the name if the dev server issued the token, else the id. */
export function userName(id: string): string {
  return nameOfDevUser(id) ?? id;
}
