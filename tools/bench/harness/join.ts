import { deadline } from "@std/async";
import { type DialectName, DIALECTS } from "../load/dialect.ts";

const JOIN_TIMEOUT_MS = 20_000;

/** Opens one socket and waits until the server has confirmed the join; `receive` gets all texts. */
export async function join(
  url: string,
  dialect: DialectName,
  receive: (text: string) => void = () => {},
): Promise<WebSocket> {
  const { protocol, greeting } = DIALECTS[dialect];
  const socket = new WebSocket(url, protocol === undefined ? [] : [protocol]);
  const joined = Promise.withResolvers<void>();
  const greet = greeting?.();
  if (!greet) socket.onopen = () => joined.resolve();
  socket.onmessage = ({ data }) => {
    const text = String(data);
    try {
      if (greet?.receive(text, (answer) => socket.send(answer))) joined.resolve();
    } catch (error) {
      joined.reject(error);
    }
    receive(text);
  };
  socket.onclose = ({ code }) => joined.reject(new Error(`closed with ${code}`));
  await deadline(joined.promise, JOIN_TIMEOUT_MS);
  return socket;
}
