import { testClosing } from "./contract_closing.ts";
import { testDedupe } from "./contract_dedupe.ts";
import { testHistory } from "./contract_history.ts";
import { testGracePeriod } from "./contract_grace_period.ts";
import { testMessageProperty } from "./contract_message_property.ts";
import { testMessages } from "./contract_messages.ts";
import { testOneUseValues } from "./contract_one_use_values.ts";
import { testPayloads } from "./contract_payloads.ts";
import { testPresence } from "./contract_presence.ts";
import { testPresenceProperty } from "./contract_presence_property.ts";
import { testResuming } from "./contract_resuming.ts";
import { testRetention } from "./contract_retention.ts";
import { testSubscriptions } from "./contract_subscriptions.ts";
import type { Subject } from "./world.ts";

/**
 * Registers the tests of backplane/contract.ts. A test never expects an event to be delivered by
 * the time a call resolves. A test never waits to see that no event comes either: a later marker
 * event shows that nothing came before it.
 */
export function backplaneContract(subject: Subject): void {
  testMessages(subject);
  testPayloads(subject);
  testDedupe(subject);
  testSubscriptions(subject);
  testHistory(subject);
  testRetention(subject);
  testPresence(subject);
  testGracePeriod(subject);
  testResuming(subject);
  testClosing(subject);
  testOneUseValues(subject);
  testMessageProperty(subject);
  testPresenceProperty(subject);
}
