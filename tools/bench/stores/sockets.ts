import { type DialectName, DIALECTS, MESSAGE_MARKER } from "../load/dialect.ts";
import { Arrival, DATA } from "./message.ts";

const JOIN_TIMEOUT_MS = 20_000;

/** From a member in one server to a member of the same room in another one. */
export async function connectSockets(
  [from, to]: readonly [string, string],
  dialect: DialectName,
): Promise<() => Promise<void>> {
  const arrival = new Arrival();
  const publisher = await join(from, dialect, () => {});
  await join(to, dialect, (text) => {
    if (text.includes(MESSAGE_MARKER)) arrival.tell();
  });
  const { publish } = DIALECTS[dialect];
  return () => arrival.after(() => publisher.send(publish(crypto.randomUUID(), DATA)));
}

async function join(
  url: string,
  dialect: DialectName,
  receive: (text: string) => void,
): Promise<WebSocket> {
  const { protocol, greeting } = DIALECTS[dialect];
  const socket = new WebSocket(url, protocol === undefined ? [] : [protocol]);
  const joined = Promise.withResolvers<void>();
  const greet = greeting?.();
  const timer = setTimeout(() => joined.reject(new Error("did not join in time")), JOIN_TIMEOUT_MS);
  if (!greet) socket.onopen = () => joined.resolve();
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return;
    try {
      if (greet?.receive(data, (text) => socket.send(text))) joined.resolve();
    } catch (error) {
      joined.reject(error);
    }
    receive(data);
  };
  socket.onclose = ({ code }) => joined.reject(new Error(`closed with ${code}`));
  try {
    await joined.promise;
    return socket;
  } finally {
    clearTimeout(timer);
  }
}
