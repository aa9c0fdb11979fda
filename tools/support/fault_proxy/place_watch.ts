import type { Place } from "./faults.ts";
import type { Piece } from "./frame_splitter.ts";
import { isMeant } from "./seen_message.ts";

/** A place in a piece, at so many of its bytes. */
export interface PlaceInPiece {
  readonly offset: number;
  /** Says that everything before it has gone on. */
  readonly reached: () => void;
}

interface Watched {
  readonly place: Place;
  readonly onReached: () => void;
  /** Of a place that counts bytes: where in the whole direction it is. */
  readonly position: number;
  /** Messages that fitted so far. */
  fitting: number;
}

/** Finds the watched places in one direction of a connection. */
export class PlaceWatch {
  readonly #watched = new Set<Watched>();
  /** Bytes of the direction before the next piece. */
  #position = 0;

  /** Bytes that were looked at. */
  get position(): number {
    return this.#position;
  }

  /** Whether a place is watched for that only the content of a message tells. */
  get needsWholeMessages(): boolean {
    return [...this.#watched].some(({ place }) => place.message !== undefined);
  }

  /** Calls back, once, when a place is reached; bytes are counted from `from` on. */
  watch(place: Place, from: number, onReached: () => void): void {
    this.#watched.add({ place, onReached, position: from + place.bytes, fitting: 0 });
  }

  /** The places in the next piece, in order. */
  inPiece(piece: Piece): PlaceInPiece[] {
    const found: PlaceInPiece[] = [];
    for (const watched of this.#watched) {
      const offset = this.#offsetIn(piece, watched);
      if (offset === undefined) continue;
      this.#watched.delete(watched);
      found.push({ offset, reached: watched.onReached });
    }
    this.#position += piece.bytes.length;
    return found.sort((one, other) => one.offset - other.offset);
  }

  #offsetIn({ bytes, message, passed }: Piece, watched: Watched): number | undefined {
    const { place, position } = watched;
    if (!place.message) {
      const offset = Math.max(0, position - this.#position);
      return offset <= bytes.length ? offset : undefined;
    }
    if (!message || !isMeant(message, place.message)) return undefined;
    watched.fitting += 1;
    if (watched.fitting !== (place.message.nth ?? 1)) return undefined;
    return Math.min(bytes.length, Math.max(0, place.bytes - passed));
  }
}
