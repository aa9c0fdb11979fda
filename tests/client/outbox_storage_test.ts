import { MemoryOutboxes } from "./memory_outbox.ts";
import { STORAGE_CONTRACT } from "./outbox_storage_contract.ts";

for (const { name, check } of STORAGE_CONTRACT) {
  Deno.test(`memory outbox: ${name}`, async () => {
    const outboxes = new MemoryOutboxes();
    await check({ open: (owner) => outboxes.open(owner) });
  });
}
