/** Who the dev server has tokens for. */
export interface DevUser {
  readonly name: string;
  readonly token: string;
}

/** What the dev server prints when it is up: the page to open, the address, a token for each user, and lines to copy into a terminal. */
export function banner(origin: string, users: readonly DevUser[]): string {
  const sockets = origin.replace(/^http/, "ws");
  const [first] = users;
  const lines = [
    `Open ${origin}/ in a browser: the playground, where two tabs can chat.`,
    "",
    `Realtime Edge is up: ${origin}/realtime`,
    "",
  ];
  for (const { name, token } of users) lines.push(`A token for ${name}:`, token, "");
  if (!first) return [...lines, "Connect with a token of your Supabase project.", ""].join("\n");
  lines.push(
    `Who am I:`,
    `curl -s -H 'Authorization: Bearer ${first.token}' ${origin}/realtime/whoami`,
    "",
    `An echo:`,
    `npx -y wscat -c '${sockets}/realtime/echo?token=${first.token}'`,
    "",
  );
  for (const { name, token } of users) {
    lines.push(`A room, as ${name}:`, `npx -y wscat -c '${sockets}/realtime/rooms/lobby?token=${token}'`, "");
  }
  lines.push(
    `In a room, say something:`,
    '{"type":"publish","id":"1","event":"chat","data":"hello"}',
    "",
    `More users: curl -s '${origin}/dev/token?user=carol'`,
    "",
  );
  return lines.join("\n");
}
