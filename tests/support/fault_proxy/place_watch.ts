import type { Place } from "./faults.ts";
import type { Piece } from "./frame_splitter.ts";
import { matchesMessage } from "./seen_message.ts";

/** A watched place within a piece. */
interface PlaceInPiece {
  readonly offset: number;
  /** Reports that every byte before the place was forwarded. */
  readonly reached: () => void;
}

interface Watched {
  readonly place: Place;
  readonly onReached: () => void;
  /** Offset in the whole direction, for a place that counts bytes. */
  readonly position: number;
  /** Number of matching messages so far. */
  matching: number;
}

/** Finds the watched places in one direction of a connection. */
export class PlaceWatch {
  readonly #watched = new Set<Watched>();
  /** Bytes of the direction before the next piece. */
  #position = 0;

  /** Number of bytes in earlier pieces. */
  get position(): number {
    return this.#position;
  }

  /** True while a watched place depends on the content of a message. */
  get needsWholeMessages(): boolean {
    return [...this.#watched].some(({ place }) => place.message !== undefined);
  }

  /** Calls `onReached` once, at the place; bytes count from `from` on. */
  watch(place: Place, from: number, onReached: () => void): void {
    this.#watched.add({ place, onReached, position: from + place.bytes, matching: 0 });
  }

  /** Returns the places in the next piece, in order. */
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
    if (!message || !matchesMessage(message, place.message)) return undefined;
    watched.matching += 1;
    if (watched.matching !== (place.message.nth ?? 1)) return undefined;
    return Math.min(bytes.length, Math.max(0, place.bytes - passed));
  }
}
