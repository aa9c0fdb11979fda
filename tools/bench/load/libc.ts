/**
 * Calls of the C library (glibc on Linux). A read with Deno's own TCP costs the client about as
 * much as the write costs the server: the measurement would show the load generator.
 *
 * @module
 */
const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // Both return an ssize_t, whose low half is enough for these lengths.
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
});

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_QUICKACK = 12;
const YES = new Int32Array([1]);
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
/** Layout of struct epoll_event in units of 32 bits; the struct is packed on x86-64 only. */
const [EVENT_SIZE, EVENT_DATA] = Deno.build.arch === "x86_64" ? [3, 1] : [4, 2];
const MAX_EVENTS = 1_024;

/** Connects to a port of this machine, without Nagle's algorithm; returns the descriptor. */
export function connectLoopback(port: number): number {
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, AF_INET, true);
  address.setUint16(2, port);
  address.setUint32(4, 0x7f000001);
  const descriptor = libc.socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0) throw new Error("no more sockets: see ulimit -n");
  if (libc.connect(descriptor, address.buffer, 16) !== 0) {
    libc.close(descriptor);
    throw new Error(`cannot connect to port ${port}`);
  }
  libc.setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, YES, YES.byteLength);
  return descriptor;
}

/** Limit of one read. */
export const MAX_READ_BYTES = 65_536;
const MAX_READ = BigInt(MAX_READ_BYTES);

/**
 * Reads into `buffer`, which needs space for MAX_READ_BYTES. Returns the number of bytes, 0 at the
 * end of the stream, and a negative number if no bytes are available.
 *
 * Acknowledges immediately. Linux would delay the acknowledgement by up to 40 ms. Deno 2.1.4 leaves
 * Nagle's algorithm on and would hold the next frame back until then. The socket option does not
 * last, so every read sets it.
 */
export function receive(descriptor: number, buffer: Uint8Array<ArrayBuffer>): number {
  if (buffer.length < MAX_READ_BYTES) throw new RangeError("the buffer is too small");
  const count = libc.recv(descriptor, buffer, MAX_READ, MSG_DONTWAIT);
  libc.setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, YES, YES.byteLength);
  return count;
}

/** Sends all of `bytes`; returns false if the socket's buffer is full. */
export function send(descriptor: number, bytes: Uint8Array<ArrayBuffer>): boolean {
  return libc.send(descriptor, bytes, BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL) === bytes.length;
}

/** Watches many connections for readable bytes, with epoll. */
export class Readiness {
  readonly #epoll = libc.epoll_create1(0);
  readonly #events = new Int32Array(MAX_EVENTS * EVENT_SIZE);

  add(descriptor: number): void {
    const event = new Int32Array(EVENT_SIZE);
    event[0] = EPOLLIN;
    event[EVENT_DATA] = descriptor;
    libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, event);
  }

  /** Removes a connection and closes it. */
  close(descriptor: number): void {
    libc.epoll_ctl(this.#epoll, EPOLL_CTL_DEL, descriptor, new Int32Array(EVENT_SIZE));
    libc.close(descriptor);
  }

  /** Blocks the thread for up to `timeoutMs`; returns the number of readable connections. */
  wait(timeoutMs: number, onReadable: (descriptor: number) => void): number {
    const events = this.#events;
    const count = libc.epoll_wait(this.#epoll, events, MAX_EVENTS, timeoutMs);
    for (let index = 0; index < count; index++) onReadable(events[index * EVENT_SIZE + EVENT_DATA] ?? -1);
    return count;
  }
}
