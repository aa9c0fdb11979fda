// @ts-types="@types/react"
import { createElement, type ReactNode, useEffect } from "react";
import type { ConnectionOptions } from "../shared/room_connection.ts";
import { SharedConnection } from "../shared/shared_connection.ts";
import { hold } from "./held.ts";
import { RealtimeContext } from "./realtime_context.ts";
import { useLatest, useRetained } from "./use_retained.ts";

/** Properties of a provider: the options of `createConnection`. */
export interface RealtimeProviderProps extends ConnectionOptions {
  /** Address of the function, such as `https://PROJECT.supabase.co/functions/v1/realtime`. */
  readonly url: string;
  readonly children?: ReactNode;
}

/**
 * Gives all rooms below one connection: `useRoom("lobby")` takes a name there. The connection opens
 * with the first room. It closes five seconds after the last one, or with the provider.
 *
 * - Another url is another connection. `token` is the callback of the last render; all other
 *   options apply when the connection is created.
 * - Give the provider a `key`, such as the user's id, so that another user starts without the first
 *   one's rooms.
 *
 * @throws {TypeError} while rendering, if the url is not a function's address
 */
export function RealtimeProvider({ children, url, ...options }: RealtimeProviderProps): ReactNode {
  const token = useLatest(options.token);
  const connection = useRetained(
    () => new SharedConnection(url, { ...options, token: (request) => token.current(request) }),
    [url],
  );
  useEffect(() => hold(connection), [connection]);
  return createElement(RealtimeContext.Provider, { value: connection }, children);
}
