import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { WebSocket as ReconnectingWebSocket } from "partysocket";
// @ts-types="../support/ws.d.ts"
import { WebSocket as NodeWebSocket } from "ws";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { startServer } from "../support/running_server.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";
import { startSocketEndpoint } from "../support/socket_endpoint.ts";

Deno.test("the endpoint sees the selected subprotocol, or an empty text if none was selected", async () => {
  await using running = await startSocketEndpoint({
    onOpen: (socket) => void socket.send(`protocol: ${socket.protocol}`),
  });
  await using selected = await SocketClient.open(await running.socketUrl("/x"), ["other", "realtime.v1"]);
  assertEquals(await selected.next(), "protocol: realtime.v1");
  await using plain = await SocketClient.open(await running.socketUrl("/x"));
  assertEquals(await plain.next(), "protocol: ");
});

const BYTES = new Uint8Array([0, 1, 127, 128, 255]);

/** Common interface of all clients. */
interface Client {
  readonly protocol: string;
  send(data: string | typeof BYTES): void;
  /** Returns the next message: text, or the bytes of a binary message. */
  next(): Promise<string | number[]>;
  close(): Promise<void>;
}

type Connect = (url: string, protocols: string[]) => Promise<Client>;

const connectDeno: Connect = async (url, protocols) => {
  const client = await SocketClient.open(url, protocols);
  return {
    protocol: client.protocol,
    send: (data) => client.send(typeof data === "string" ? data : data.slice().buffer),
    async next() {
      const data = await client.next();
      return typeof data === "string" ? data : [...new Uint8Array(data)];
    },
    async close() {
      client.close();
      await client.closed();
    },
  };
};

const connectNode: Connect = async (url, protocols) => {
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const inbox = new Inbox();
  const socket = new NodeWebSocket(url, protocols);
  socket
    .on("open", () => opened.resolve())
    .on("error", (error) => opened.reject(error))
    .on("message", (data, isBinary) => inbox.put(isBinary ? [...data] : new TextDecoder().decode(data)))
    .on("close", () => closed.resolve());
  await deadline(opened.promise, PATIENCE_MS);
  return clientOf(socket, inbox, closed.promise);
};

const connectPartySocket: Connect = async (url, protocols) => {
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const inbox = new Inbox();
  const socket = new ReconnectingWebSocket(url, protocols, { maxRetries: 0 });
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", (event) => opened.reject(event.error));
  socket.addEventListener("message", ({ data }) => {
    inbox.put(typeof data === "string" ? data : [...new Uint8Array(data)]);
  });
  socket.addEventListener("close", () => closed.resolve());
  await deadline(opened.promise, PATIENCE_MS);
  return clientOf(socket, inbox, closed.promise);
};

/** Adapts an event-based socket to `Client`. */
function clientOf(
  socket: Pick<Client, "protocol" | "send"> & { close(): void },
  inbox: Inbox,
  closed: Promise<void>,
): Client {
  return {
    protocol: socket.protocol,
    send: (data) => socket.send(data),
    next: () => inbox.next(),
    close() {
      socket.close();
      return deadline(closed, PATIENCE_MS);
    },
  };
}

/** Queue of received messages. */
class Inbox {
  readonly #messages: (string | number[])[] = [];
  #arrival = Promise.withResolvers<void>();

  put(message: string | number[]): void {
    this.#messages.push(message);
    this.#arrival.resolve();
  }

  async next(): Promise<string | number[]> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      this.#arrival = Promise.withResolvers();
      await deadline(this.#arrival.promise, PATIENCE_MS);
    }
  }
}

const CLIENTS: Readonly<Record<string, Connect>> = {
  "Deno's WebSocket": connectDeno,
  "ws of Node": connectNode,
  "partysocket": connectPartySocket,
};

for (const [name, connect] of Object.entries(CLIENTS)) {
  for (const place of ["query", "subprotocol"] as const) {
    Deno.test(`${name} with its token in the ${place} gets text and binary echoed`, async () => {
      await using running = await startServer();
      const url = new URL(await running.socketUrl("/echo"));
      const token = url.searchParams.get("token") ?? "";
      if (place === "subprotocol") url.search = "";
      const offered = place === "query" ? [] : ["realtime.v1", `jwt-${token}`];
      const client = await connect(url.href, offered);
      assertEquals(client.protocol, place === "query" ? "" : "realtime.v1");
      client.send("hello, wörld 😀");
      assertEquals(await client.next(), "Echo: hello, wörld 😀");
      client.send(BYTES);
      assertEquals(await client.next(), [...BYTES]);
      await client.close();
      const [end] = await running.logged("socket.close");
      assertEquals(end?.["user"], "alice");
    });
  }
}

Deno.test("a client that offers only its token gets no subprotocol selected, in particular not the token", async () => {
  await using running = await startServer();
  const url = new URL(await running.socketUrl("/echo"));
  const token = url.searchParams.get("token") ?? "";
  url.search = "";
  // Raw request: ws and Deno reject a connection if they offered subprotocols and none was
  // selected.
  const { status, headers } = await rawGet(running.port, url.pathname, [
    ...HANDSHAKE,
    `Sec-WebSocket-Protocol: jwt-${token}`,
  ]);
  assertEquals(status, 101);
  assertEquals(headers.get("sec-websocket-protocol"), null);
});

Deno.test("ws of Node learns the status of a refusal", async () => {
  await using running = await startServer();
  const refused = Promise.withResolvers<number | undefined>();
  const socket = new NodeWebSocket(`ws://127.0.0.1:${running.port}/realtime/echo`);
  socket
    .on("unexpected-response", (_request, { statusCode }) => {
      refused.resolve(statusCode);
      socket.close();
    })
    .on("error", () => {/* reports the close before the open */});
  assertEquals(await deadline(refused.promise, PATIENCE_MS), 401);
});
