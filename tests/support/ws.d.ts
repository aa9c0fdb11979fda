// Types of ws 8, as far as the tests use it; the package has none.

export interface WebSocketEvents {
  open: [];
  message: [data: Uint8Array, isBinary: boolean];
  close: [code: number, reason: Uint8Array];
  error: [error: Error];
  "unexpected-response": [request: unknown, response: { readonly statusCode?: number }];
}

export class WebSocket {
  constructor(url: string, protocols?: readonly string[]);
  readonly protocol: string;
  on<Name extends keyof WebSocketEvents>(
    name: Name,
    listener: (...args: WebSocketEvents[Name]) => void,
  ): this;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}
