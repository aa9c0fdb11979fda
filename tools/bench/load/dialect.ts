/** Name of a room protocol that the load generator speaks. */
export type DialectName = "relay" | "rooms" | "rooms.v1" | "channels" | "socket.io";

/** Exchange of messages before a member has joined. */
interface Greeting {
  /** Message of the client that begins the exchange. */
  readonly first?: string;
  /** Handles a message; true once the member has joined. May call `send`. */
  receive(text: string, send: (text: string) => void): boolean;
}

/** Protocol of a server: to join, to publish, and to keep the connection. */
export interface Dialect {
  /** Subprotocol to offer. */
  readonly protocol?: string;
  /** Undefined if the 101 completes the join. */
  readonly greeting?: () => Greeting;
  /** Formats a publish of `data`, the JSON of a chat message, under a unique `id`. */
  readonly publish: (id: string, data: string) => string;
  /** Wraps text for an echo endpoint; undefined if the endpoint takes plain text. */
  readonly wrapEcho?: (text: string) => string;
  /** Ping of the server; it closes the connection of a member that does not send `answer`. */
  readonly keepAlive?: { readonly message: string; readonly answer: string };
}

/** Occurs exactly once in every delivered room message, and in no other message of any server. */
export const MESSAGE_MARKER = '"type":"message"';
/** Occurs in every error frame of this engine. */
export const ERROR_MARKER = '"type":"error"';

/** Imitates a message frame of this engine, so that plain relays deliver as many bytes. */
function likeDelivered(id: string, data: string): string {
  const user = "8c2f4a56-3c1e-4d0b-9a77-5b0f2e6d1c34";
  const connection = "b3d1c9e2-7f60-4c58-8e15-0a9d6f4b2e71";
  return `{${MESSAGE_MARKER},"offset":100000,"event":"chat","data":${data},` +
    `"from":{"user":"${user}","connection":"${connection}"},"id":"${id}","at":1795000000000}`;
}

function greetRooms(): Greeting {
  let welcomed = false;
  return {
    receive(text) {
      if (text.includes(ERROR_MARKER)) throw new Error(`not joined: ${text.slice(0, 300)}`);
      welcomed ||= text.includes('"type":"welcome"');
      if (!text.includes('"type":"presence"')) return false;
      if (!welcomed) throw new Error("presence before welcome");
      return true;
    },
  };
}

const TOPIC = "realtime:bench";

/** A channel of supabase-js. `self` sends a broadcast back, as rooms do. */
function greetChannels(): Greeting {
  const config = { broadcast: { self: true } };
  return {
    first: JSON.stringify(["1", "1", TOPIC, "phx_join", { config }]),
    receive(text) {
      if (!text.includes('"phx_reply"')) return false;
      if (!text.includes('"status":"ok"')) throw new Error(`not joined: ${text.slice(0, 300)}`);
      return true;
    },
  };
}

function greetSocketIo(): Greeting {
  return {
    receive(text, send) {
      if (text.startsWith("40")) return true;
      if (!text.startsWith("0{")) throw new Error(`not joined: ${text.slice(0, 300)}`);
      send("40");
      return false;
    },
  };
}

const rooms: Dialect = {
  greeting: greetRooms,
  publish: (id, data) => `{"type":"publish","id":"${id}","event":"chat","data":${data}}`,
};

/** Protocols by name; a `relay` forwards or echoes text unchanged. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  relay: { publish: likeDelivered },
  rooms,
  "rooms.v1": { ...rooms, protocol: "realtime.v1" },
  channels: {
    greeting: greetChannels,
    publish: (id, data) =>
      `["1","${id}","${TOPIC}","broadcast",{"type":"broadcast","event":"chat","payload":{${MESSAGE_MARKER},"data":${data}}}]`,
  },
  // Engine.IO 4 packets: 0 open, 2 ping, 3 pong, 4 message.
  // Socket.IO 5 packets within a message: 0 connect, 2 event.
  "socket.io": {
    greeting: greetSocketIo,
    publish: (id, data) => `42["chat",${likeDelivered(id, data)}]`,
    wrapEcho: (text) => `42["chat",${JSON.stringify(text)}]`,
    keepAlive: { message: "2", answer: "3" },
  },
};
