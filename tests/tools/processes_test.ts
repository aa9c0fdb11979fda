/** Child processes of tests and tools: lines, deadlines, jobs, and no output of a killed child. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ChildCommand, ChildLines } from "../../tools/support/processes/child_lines.ts";
import { projectCommand } from "../../tools/support/processes/deno_command.ts";
import { JobProcess } from "../../tools/support/processes/job_process.ts";

const TIMEOUT_MS = 10_000;

function shell(script: string): ChildCommand {
  return { path: "/bin/sh", args: ["-c", script] };
}

function isLine(wanted: string): (line: string) => true | undefined {
  return (line) => line === wanted || undefined;
}

Deno.test("a line is found on either output, before and after it is asked for", async () => {
  await using child = new ChildLines(shell("echo one; echo two >&2; read three; echo $three"), {
    name: "sh",
    hasInput: true,
  });
  await child.find(isLine("one"), TIMEOUT_MS);
  await child.find(isLine("two"), TIMEOUT_MS);
  await child.find(isLine("one"), TIMEOUT_MS);
  const three = child.find(isLine("three"), TIMEOUT_MS);
  await child.send("three");
  await three;
  assertEquals((await child.ended).code, 0);
  assertEquals([child.stdout, child.stderr], [["one", "three"], ["two"]]);
});

Deno.test("a line that does not come is an error with the end of stderr: in time, and when the child ends", async () => {
  await using silent = new ChildLines(shell("echo why >&2; exec sleep 60"), { name: "sleep" });
  await silent.find(isLine("why"), TIMEOUT_MS);
  const late = await assertRejects(() => silent.find(isLine("ready"), 50), Error, "within 50 ms");
  assertStringIncludes(late.message, "why");
  await using short = new ChildLines(shell("echo why >&2"), { name: "sh" });
  const ended = await assertRejects(() => short.find(isLine("ready"), TIMEOUT_MS), Error, "has ended");
  assertStringIncludes(ended.message, "why");
});

Deno.test("only the newest lines are kept, and every line is passed on", async () => {
  const passed: string[] = [];
  await using child = new ChildLines(shell("for i in 1 2 3 4; do echo $i; done; printf 5"), {
    name: "sh",
    keptLines: 2,
    onLine: (line) => void passed.push(line),
  });
  await child.ended;
  assertEquals([child.stdout, passed], [["4", "5"], ["1", "2", "3", "4", "5"]]);
});

Deno.test("a child whose shell reports the kill writes nothing to the outputs of this process", async () => {
  const program = `
    import { ChildLines } from ${
    JSON.stringify(import.meta.resolve("../../tools/support/processes/child_lines.ts"))
  };
    const child = new ChildLines({ path: "/bin/sh", args: ["-c", "sleep 60 & echo $!; wait $!; echo over >&2"] }, { name: "sh" });
    const pid = await child.find((line) => Number(line) || undefined, ${TIMEOUT_MS});
    Deno.kill(pid, "SIGKILL");
    await child.ended;
    if (!child.stderr.includes("over")) throw new Error("the shell did not go on");
  `;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", program],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stdout), decoder.decode(stderr)], [0, "", ""]);
});

Deno.test("jobs are answered by their ids, and a job that fails is an error with its message", async () => {
  const worker = projectCommand(new URL("./doubling_worker.ts", import.meta.url));
  await using process = await JobProcess.start(worker, "The worker");
  const answers = [4, 2, 3].map((number) => process.ask({ type: "double", number, afterMs: number * 10 }));
  assertEquals(await Promise.all(answers), [8, 4, 6]);
  await assertRejects(() => process.ask({ type: "fail" }), Error, "fail failed: not today");
  await assertRejects(() => process.ask({ type: "hang" }, 50), Error, "hang failed");
  const asked = process.ask({ type: "hang" });
  const refused = assertRejects(() => asked, Error, "has ended");
  await process[Symbol.asyncDispose]();
  await refused;
});
