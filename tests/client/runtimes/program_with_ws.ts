// It brings no types; package_test.ts holds those of @types/ws against ours.
import * as ws from "ws";
import type { WebSocketClass } from "../../../packages/client/mod.ts";
import { runProgram } from "./run_program.ts";

const { WebSocket } = ws as unknown as { readonly WebSocket: WebSocketClass };
await runProgram(WebSocket);
