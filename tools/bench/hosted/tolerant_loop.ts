import { RawSocket } from "../load/raw_socket.ts";
import { SocketLoop, type Stream } from "../load/socket_loop.ts";

/**
 * Loop that records the end of a stream instead of failing the job: refusals, closes and ends are
 * results here.
 */
export class TolerantLoop extends SocketLoop {
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

  /** Reason of the end of a stream: the message of its error; undefined while it is open. */
  endOf(stream: Stream): string | undefined {
    return this.#ends.get(stream);
  }

  /** Runs `act` unless the stream has ended; returns true if it succeeded. */
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

  /** Polls once for arrived bytes, without waiting. */
  pollOnce(): void {
    let polls = 0;
    this.runUntil(() => polls++ > 0, 1_000, () => "one poll of the sockets");
  }

  #end(stream: Stream, error: unknown, refusal: string = ""): void {
    if (this.#ends.has(stream)) return;
    const why = error instanceof Error ? error.message : String(error);
    this.#ends.set(stream, why + refusal);
    // Answers the close like a client; the server waits for it.
    if (stream instanceof RawSocket && why.startsWith("the server closed")) this.#answerClose(stream);
  }

  #answerClose(socket: RawSocket): void {
    try {
      socket.close();
    } catch {
      // The isolate was killed meanwhile.
    }
  }
}

/**
 * Response that a stream received instead of a 101, with the body that names the code; empty for
 * anything else.
 */
function refusalOf(bytes: Uint8Array, filled: number): string {
  const text = new TextDecoder().decode(bytes.subarray(0, filled));
  return text.startsWith("HTTP/") ? `\n${text}` : "";
}
