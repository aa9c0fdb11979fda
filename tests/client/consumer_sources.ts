import { readCodeBlocks } from "../support/code_blocks.ts";

/**
 * Files of a project with the package installed, by name. Text, since here the package's name
 * stands for its source.
 */
type Files = Readonly<Record<string, string>>;

const STRICT = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
};
const EVENTS = `interface Events {
  chat: { text: string };
  move: { to: readonly [number, number] };
}
`;

function conversation(options: string): string {
  return `${EVENTS}
const { ROOM: address = "", TOKEN: secret = "" } = process.env;
const room = connect<Events>(address, { ${options} });
const received = new Promise<string>((resolve) => {
  room.onMessage("chat", ({ data, from, offset }) => resolve(\`\${from.user} says \${data.text} at \${offset}\`));
});
await room.live();
const offset: number = await room.publish("chat", { text: "hello" });
console.log(\`\${await received}, which is stored at \${offset}\`);
await room.close();
`;
}

/** Program for runtimes with a global WebSocket. */
export const PROGRAM: Files = {
  "program.ts": `import { connect } from "@realtime-edge/client";\n${conversation("token: () => secret")}`,
};

/** Program for runtimes without one. */
export const PROGRAM_WITH_WS: Files = {
  "program_with_ws.ts": `import { connect } from "@realtime-edge/client";
import { WebSocket } from "ws";
${conversation("token: async () => secret, WebSocket")}`,
};

/** In a page. */
export const REACT_COMPONENT: Files = {
  "component.tsx": `import { connect, RoomError, type Room } from "@realtime-edge/client";
import { createIndexedDbOutbox } from "@realtime-edge/client/indexed-db";
import { useMessages, usePresence, useRoom, useRoomEvent, useRoomState } from "@realtime-edge/client/react";

${EVENTS}
export function Chat({ url }: { url: string }) {
  const room: Room<Events> = useRoom<Events>(url, { token: () => null, history: 50 });
  const { messages, gaps } = useMessages(room, { event: "chat" });
  const { users } = usePresence(room, { name: "Ada" });
  const state = useRoomState(room);
  useRoomEvent(room, "move", ({ data: { to: [x, y] } }) => console.log(x + y));
  return (
    <>
      <p>{state.type === "waiting" ? state.reason.code : state.type}: {users.size} here, {gaps.length} gaps</p>
      <ul>{messages.map(({ offset, data }) => <li key={offset}>{data.text.toUpperCase()}</li>)}</ul>
    </>
  );
}

export async function publish(url: string, user: string): Promise<number | "refused"> {
  await using room = connect<Events>(url, { token: () => null, outbox: { storage: createIndexedDbOutbox(user) } });
  try {
    return await room.publish("move", { to: [1, 2] });
  } catch (error) {
    if (error instanceof RoomError && error.code === "forbidden") return "refused";
    throw error;
  }
}
`,
};

/** Program with type errors. */
export const WRONG_PROGRAM: Files = {
  "wrong.ts": `import type { Room } from "@realtime-edge/client";
interface Events {
  chat: { text: string };
}
export function wrong(room: Room<Events>): void {
  void room.publish("chat", { body: "hello" });
  void room.publish("shout", { text: "hello" });
  room.onMessage("chat", ({ data }) => console.log(data.body));
}
`,
};

/** Variables that the README's code uses without declaring them. */
const AROUND = {
  supabase:
    "{ auth: { getSession(): Promise<{ data: { session: { access_token: string } | null }; error: Error | null }> } }",
  user: "{ id: string }",
  url: "string",
  token: "() => string",
};

/** The code of the package's README, each block a module. */
export async function readmePrograms(): Promise<Files> {
  const given = Object.entries(AROUND).map(([name, type]) => `declare const ${name}: ${type};\n`).join("");
  const blocks = (await readCodeBlocks("packages/client/README.md")).filter(({ language }) =>
    language.startsWith("ts")
  );
  return Object.fromEntries(blocks.map(({ language, code }, at) => {
    const text = code.includes("interface Events") ? code : EVENTS + code;
    return [`readme_${at + 1}.${language}`, `${given}${text}\nexport {};\n`];
  }));
}

/** A Node project, a page that a bundler makes, the README, and what is wrong. */
export const TSCONFIGS: Files = {
  "tsconfig.nodenext.json": JSON.stringify({
    compilerOptions: {
      ...STRICT,
      target: "es2022",
      module: "nodenext",
      lib: ["es2022"],
      types: ["node"],
      rootDir: ".",
      outDir: "out",
    },
    files: ["program.ts", "program_with_ws.ts"],
  }),
  "tsconfig.bundler.json": JSON.stringify({
    compilerOptions: {
      ...STRICT,
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["es2022", "dom"],
      types: [],
      jsx: "react-jsx",
      noEmit: true,
    },
    files: ["component.tsx"],
  }),
  "tsconfig.readme.json": JSON.stringify({
    compilerOptions: {
      ...STRICT,
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      types: ["node"],
      jsx: "react-jsx",
      noEmit: true,
    },
    include: ["readme_*"],
  }),
  "tsconfig.wrong.json": JSON.stringify({
    compilerOptions: {
      ...STRICT,
      target: "es2022",
      module: "nodenext",
      lib: ["es2022"],
      types: ["node"],
      noEmit: true,
    },
    files: ["wrong.ts"],
  }),
};
