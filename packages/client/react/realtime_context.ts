// @ts-types="@types/react"
import { type Context, createContext } from "react";
import type { SharedConnection } from "../shared/shared_connection.ts";

/** Connection of the provider around a component. */
export const RealtimeContext: Context<SharedConnection | null> = createContext<SharedConnection | null>(
  null,
);
