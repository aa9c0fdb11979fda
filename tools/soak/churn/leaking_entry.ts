/**
 * The measured function with a planted leak: it keeps every upgraded socket. The test proves that
 * the churn finds leaks.
 */
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
