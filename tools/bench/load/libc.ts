/**
 * The few calls of Linux' C library that the load generator needs: one read by Deno's own TCP costs it about as much as the
 * server's write cost the server, and then it would be the load generator that is measured. glibc, as Deno itself.
 *
 * @module
 */
const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // Both return an ssize_t; its low half is the number, since nothing here is longer than that.
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
/** struct epoll_event is packed on x86-64 only: 32 bits of flags, 64 bits of data. In units of 32 bits. */
const [EVENT_SIZE, EVENT_DATA] = Deno.build.arch === "x86_64" ? [3, 1] : [4, 2];
const MAX_EVENTS = 1_024;

/** Opens a TCP connection to a port of this machine, without Nagle's algorithm; returns its descriptor. */
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

/** Most bytes that one read brings. */
export const MAX_READ_BYTES = 65_536;
const MAX_READ = BigInt(MAX_READ_BYTES);

/**
 * Reads what is there into `buffer`, which has room for MAX_READ_BYTES: how many bytes, 0 at the end of the stream, less
 * when nothing can be read.
 *
 * Acknowledges it at once. Linux would wait up to 40 ms for something to send along, and Deno 2.1.4, which leaves Nagle's
 * algorithm on, would hold back the next frame until then: servers would idle. The option does not last.
 */
export function receive(descriptor: number, buffer: Uint8Array<ArrayBuffer>): number {
  if (buffer.length < MAX_READ_BYTES) throw new RangeError("the buffer is too small");
  const count = libc.recv(descriptor, buffer, MAX_READ, MSG_DONTWAIT);
  libc.setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, YES, YES.byteLength);
  return count;
}

/** Sends all of `bytes`, or returns false. */
export function send(descriptor: number, bytes: Uint8Array<ArrayBuffer>): boolean {
  return libc.send(descriptor, bytes, BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL) === bytes.length;
}

/** Says which of many connections can be read. */
export class Readiness {
  readonly #epoll = libc.epoll_create1(0);
  readonly #events = new Int32Array(MAX_EVENTS * EVENT_SIZE);

  add(descriptor: number): void {
    const event = new Int32Array(EVENT_SIZE);
    event[0] = EPOLLIN;
    event[EVENT_DATA] = descriptor;
    libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, event);
  }

  /** Forgets a connection and closes it. */
  close(descriptor: number): void {
    libc.epoll_ctl(this.#epoll, EPOLL_CTL_DEL, descriptor, new Int32Array(EVENT_SIZE));
    libc.close(descriptor);
  }

  /** Waits for up to `timeoutMs`, and this thread with it; calls `onReadable` for each that can be read: so many. */
  wait(timeoutMs: number, onReadable: (descriptor: number) => void): number {
    const events = this.#events;
    const count = libc.epoll_wait(this.#epoll, events, MAX_EVENTS, timeoutMs);
    for (let index = 0; index < count; index++) onReadable(events[index * EVENT_SIZE + EVENT_DATA] ?? -1);
    return count;
  }
}
