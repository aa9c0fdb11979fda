import { RawSocket } from "../load/raw_socket.ts";
import { SocketLoop, type Stream } from "../load/socket_loop.ts";

/** A loop whose streams may be refused, be closed by their server, or end: that is what is measured, and fails no job. */
export class MortalLoop extends SocketLoop {
  readonly #ends = new Map<Stream, string>();

  override connect(port: number, stream: Stream): number {
    return super.connect(port, {
      receive: (bytes, filled) => {
        if (this.#ends.has(stream)) return filled;
        try {
          return stream.receive(bytes, filled);
        } catch (error) {
          this.#end(stream, error, refusalOf(bytes, filled));
          return filled;
        }
      },
      end: () => {
        try {
          stream.end();
        } catch (error) {
          this.#end(stream, error);
        }
      },
    });
  }

  /** Why a stream is over: what it threw; undefined while it is not. */
  endOf(stream: Stream): string | undefined {
    return this.#ends.get(stream);
  }

  /** Does something that fails where the stream is over; whether it was done. */
  attempt(stream: Stream, act: () => void): boolean {
    if (this.#ends.has(stream)) return false;
    try {
      act();
      return true;
    } catch (error) {
      this.#end(stream, error);
      return false;
    }
  }

  /** Looks once at what has arrived, without waiting. */
  lookOnce(): void {
    let looks = 0;
    this.runUntil(() => looks++ > 0, 1_000, () => "one look at the sockets");
  }

  #end(stream: Stream, error: unknown, refusal: string = ""): void {
    if (this.#ends.has(stream)) return;
    const why = error instanceof Error ? error.message : String(error);
    this.#ends.set(stream, why + refusal);
    // As a client does: a server that closes waits for the answer.
    if (stream instanceof RawSocket && why.startsWith("the server closed")) this.#answerClose(stream);
  }

  #answerClose(socket: RawSocket): void {
    try {
      socket.close();
    } catch {
      // It was killed meanwhile.
    }
  }
}

/** Response that a stream received instead of a 101, with the body that names the code; empty for anything else. */
function refusalOf(bytes: Uint8Array, filled: number): string {
  const text = new TextDecoder().decode(bytes.subarray(0, filled));
  return text.startsWith("HTTP/") ? `\n${text}` : "";
}
