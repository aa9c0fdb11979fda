/** Migrations of the engine in a project: recognised by name, and later than everything there. */
import { assertEquals } from "@std/assert";
import { compareMigrations, missingMigrations } from "../../../packages/cli/src/project/migrations.ts";

const ENGINE = [
  { file: "20261123000000_rooms.sql", text: "engine's rooms\n" },
  { file: "20261123010000_room_permissions.sql", text: "permissions\n" },
];
const NOW = new Date("2026-12-31T23:59:59.900Z");

const added = (project: readonly { file: string; text: string }[]) =>
  missingMigrations(compareMigrations(ENGINE, project), project, NOW).map(({ file }) => file);

Deno.test("an empty project gets all, in order, dated now", () => {
  assertEquals(added([]), [
    "20261231235959_realtime_edge_rooms.sql",
    "20270101000000_realtime_edge_room_permissions.sql",
  ]);
});

Deno.test("timestamps are later than the newest of the project, over the end of a year", () => {
  assertEquals(
    added([{ file: "20991231235959_late.sql", text: "" }, { file: "20250101000000_a.sql", text: "" }]),
    [
      "21000101000000_realtime_edge_rooms.sql",
      "21000101000001_realtime_edge_room_permissions.sql",
    ],
  );
});

Deno.test("a copy under any timestamp is recognised, and only what is missing is added", () => {
  assertEquals(added([{ file: "20270101000005_realtime_edge_rooms.sql", text: "engine's rooms\n" }]), [
    "20270101000006_realtime_edge_room_permissions.sql",
  ]);
});

Deno.test("a copy of the cloned layout is recognised with any line ends", () => {
  const project = ENGINE.map(({ file, text }) => ({ file, text: text.replace("\n", "\r\n") }));
  assertEquals(added(project), []);
});

Deno.test("a migration of the project's own with the same name is not taken for the engine's", () => {
  assertEquals(added([{ file: "20240101000000_rooms.sql", text: "create table rooms ();\n" }]).length, 2);
});

Deno.test("a copy with another text is reported, not added again", () => {
  const project = [{ file: "20270101000005_realtime_edge_rooms.sql", text: "older\n" }];
  const [rooms] = compareMigrations(ENGINE, project);
  assertEquals([rooms?.copy?.file, rooms?.differs], ["20270101000005_realtime_edge_rooms.sql", true]);
  assertEquals(added(project).length, 1);
});

Deno.test("files that are no migrations do not count", () => {
  assertEquals(added([{ file: "README.md", text: "" }, { file: "2099_x.sql", text: "" }]).length, 2);
});
