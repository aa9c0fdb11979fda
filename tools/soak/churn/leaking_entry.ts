/** The measured function with a fault planted: every socket that was ever upgraded is kept. Shows that a leak is found. */
const kept: WebSocket[] = [];
const upgrade = Deno.upgradeWebSocket;

Object.defineProperty(Deno, "upgradeWebSocket", {
  value: (...given: Parameters<typeof Deno.upgradeWebSocket>) => {
    const upgraded = upgrade(...given);
    kept.push(upgraded.socket);
    return upgraded;
  },
});

await import("./measured_entry.ts");
