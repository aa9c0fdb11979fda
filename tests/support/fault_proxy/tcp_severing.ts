import { closeQuietly } from "../../../tools/support/wire/tcp_connection.ts";
import type { CutWay } from "./faults.ts";

const AF_INET = 2;
const SHUT_RDWR = 2;
const SOCKADDR_BYTES = 16;

const SYMBOLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type NameOf = (fd: number, address: Uint8Array<ArrayBuffer>, length: Uint8Array<ArrayBuffer>) => number;

/**
 * Ends TCP connections immediately, by calls of the C library on Linux. Deno's `close` sends no
 * reset. On 2.1.4 it also leaves a connection open while a write waits for a peer that does not
 * read. Other systems use `close`.
 */
export class TcpSevering implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

  constructor() {
    this.#library = Deno.build.os === "linux" ? Deno.dlopen("libc.so.6", SYMBOLS) : undefined;
  }

  /** True if `reset` is a TCP reset on this system. */
  get canReset(): boolean {
    return this.#library !== undefined;
  }

  /** Ends a connection over IPv4; ignores a closed one. */
  sever(connection: Deno.TcpConn, way: CutWay): void {
    const symbols = this.#library?.symbols;
    const descriptor = this.#descriptorOf(connection);
    if (symbols && descriptor !== undefined) {
      // A connect to an address of family AF_UNSPEC resets the connection.
      if (way === "reset") symbols.connect(descriptor, new Uint8Array(SOCKADDR_BYTES), SOCKADDR_BYTES);
      else symbols.shutdown(descriptor, SHUT_RDWR);
    }
    closeQuietly(connection);
  }

  [Symbol.dispose](): void {
    this.#library?.close();
  }

  /** Finds the descriptor by the two ports: Deno does not expose it. */
  #descriptorOf({ localAddr, remoteAddr }: Deno.TcpConn): number | undefined {
    const symbols = this.#library?.symbols;
    if (!symbols) return undefined;
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      const descriptor = Number(name);
      if (portBy(symbols.getsockname, descriptor) !== localAddr.port) continue;
      if (portBy(symbols.getpeername, descriptor) === remoteAddr.port) return descriptor;
    }
    return undefined;
  }
}

function portBy(nameOf: NameOf, descriptor: number): number | undefined {
  const address = new Uint8Array(SOCKADDR_BYTES);
  const length = new Uint8Array(new Uint32Array([SOCKADDR_BYTES]).buffer);
  if (nameOf(descriptor, address, length) !== 0) return undefined;
  const [family] = new Uint16Array(address.buffer, 0, 1);
  return family === AF_INET ? new DataView(address.buffer).getUint16(2) : undefined;
}
