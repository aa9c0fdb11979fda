import { testClosing } from "./contract_closing.ts";
import { testDedupe } from "./contract_dedupe.ts";
import { testHistory } from "./contract_history.ts";
import { testLingering } from "./contract_lingering.ts";
import { testMessageProperty } from "./contract_message_property.ts";
import { testMessages } from "./contract_messages.ts";
import { testPayloads } from "./contract_payloads.ts";
import { testPresence } from "./contract_presence.ts";
import { testPresenceProperty } from "./contract_presence_property.ts";
import { testResuming } from "./contract_resuming.ts";
import { testRetention } from "./contract_retention.ts";
import { testSubscriptions } from "./contract_subscriptions.ts";
import type { Subject } from "./world.ts";

/**
 * Registers what backplane/contract.ts says as tests. Nothing in it counts on an event being there when a call resolves, nor
 * waits to see that none comes: whoever must not get something gets something else afterwards, and has got only that.
 */
export function backplaneContract(subject: Subject): void {
  testMessages(subject);
  testPayloads(subject);
  testDedupe(subject);
  testSubscriptions(subject);
  testHistory(subject);
  testRetention(subject);
  testPresence(subject);
  testLingering(subject);
  testResuming(subject);
  testClosing(subject);
  testMessageProperty(subject);
  testPresenceProperty(subject);
}
