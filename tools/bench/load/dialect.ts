/** How a server's rooms are spoken to. */
export const DIALECT_NAMES = ["relay", "rooms", "rooms.v1", "socket.io"] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

/** What a member says before it is in its room. */
export interface Greeting {
  /** Takes a message; true when the member is in the room. May call `send`. */
  receive(text: string, send: (text: string) => void): boolean;
}

/** A server's way to join, publish and stay. */
export interface Dialect {
  /** The subprotocol to offer. */
  readonly protocol?: string;
  /** Undefined where the 101 is all there is to wait for. */
  readonly greeting?: () => Greeting;
  /** The text that publishes `data`, JSON of a chat message. `id` is never used twice. */
  readonly publish: (id: string, data: string) => string;
  /** What carries text to an echo endpoint, and its answer back; undefined where the text itself does. */
  readonly wrapEcho?: (text: string) => string;
  /** A message that has to be answered with `answer`, or the server gives up on the member. */
  readonly keepAlive?: { readonly message: string; readonly answer: string };
}

/** In every message that a member is delivered, exactly once, and in nothing else that any of the servers sends. */
export const MESSAGE_MARKER = '"type":"message"';
/** In every answer of ours that says that something was not done. */
export const ERROR_MARKER = '"type":"error"';

/** What a member of ours is delivered, made up: servers that send on what they are sent deliver as many bytes. */
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

/** `relay` is any server that sends on, or answers, text as it is. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  relay: { publish: likeDelivered },
  rooms,
  "rooms.v1": { ...rooms, protocol: "realtime.v1" },
  // Engine.IO 4 under Socket.IO 5: 0 open, 2 ping, 3 pong, 4 message; in a message 0 connect, 2 event.
  "socket.io": {
    greeting: greetSocketIo,
    publish: (id, data) => `42["chat",${likeDelivered(id, data)}]`,
    wrapEcho: (text) => `42["chat",${JSON.stringify(text)}]`,
    keepAlive: { message: "2", answer: "3" },
  },
};
