import { runProgram } from "./run_program.ts";

await runProgram();
