/** Opcodes of RFC 6455, section 5.2; from 8 on they belong to control frames. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A WebSocket frame with its payload unmasked. */
export interface WireFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** Creates a text frame. */
export function textFrame(text: string): WireFrame {
  return { opcode: OPCODE.text, payload: new TextEncoder().encode(text) };
}

/** Creates a close frame without a reason. */
export function closeFrame(code: number): WireFrame {
  return { opcode: OPCODE.close, payload: new Uint8Array([code >> 8, code & 0xff]) };
}

/** Reads the code of a close frame; a frame without one throws. */
export function closeCode({ payload }: WireFrame): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint16(0);
}
