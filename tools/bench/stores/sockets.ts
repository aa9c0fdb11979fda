import { type DialectName, DIALECTS, MESSAGE_MARKER } from "../load/dialect.ts";
import { Arrival, DATA } from "./round_trip.ts";

const JOIN_TIMEOUT_MS = 20_000;

/** Connects members of one room in two servers; returns a round trip. */
export async function connectSockets(
  [from, to]: readonly [string, string],
  dialect: DialectName,
): Promise<() => Promise<void>> {
  const arrival = new Arrival();
  const publisher = await join(from, dialect, () => {});
  await join(to, dialect, (text) => {
    if (text.includes(MESSAGE_MARKER)) arrival.notify();
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
  const timer = setTimeout(
    () => joined.reject(new Error(`no join within ${JOIN_TIMEOUT_MS} ms`)),
    JOIN_TIMEOUT_MS,
  );
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
