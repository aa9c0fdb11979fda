/** User of the dev server, with a token. */
export interface DevUser {
  readonly name: string;
  readonly token: string;
}

/**
 * Text that the dev server prints at start: the playground, the address, tokens, and commands to
 * copy.
 */
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
    `Show the user of a token:`,
    `curl -s -H 'Authorization: Bearer ${first.token}' ${origin}/realtime/whoami`,
    "",
    `Open an echo socket:`,
    `npx -y wscat -c '${sockets}/realtime/echo?token=${first.token}'`,
    "",
  );
  for (const { name, token } of users) {
    lines.push(
      `Join a room as ${name}:`,
      `npx -y wscat -c '${sockets}/realtime/rooms/lobby?token=${token}'`,
      "",
    );
  }
  lines.push(
    `Publish a message in a room:`,
    '{"type":"publish","id":"1","event":"chat","data":"hello"}',
    "",
    `Get a token for another user: curl -s '${origin}/dev/token?user=carol'`,
    "",
  );
  return lines.join("\n");
}
