/** What the load generator can be asked to do. A group is a named set of open sockets. */
export type LoadJob =
  | {
    readonly type: "open";
    readonly group: string;
    readonly concurrency: number;
    readonly urls: readonly string[];
  }
  | { readonly type: "echo"; readonly group: string; readonly messagesPerSocket: number }
  | { readonly type: "close"; readonly group: string };

/** The message that every echo sends: 100 bytes of JSON. */
export const ECHO_TEXT = JSON.stringify({ type: "chat", text: "x".repeat(73) });

/** What comes back is this much longer. */
export const ECHO_PREFIX = "Echo: ";
