import { z } from "zod";
import { refuse, roomEndpoint } from "@realtime-edge/server/rooms";
import { authenticate } from "../middleware/auth.ts";

/** The polls and their choices. */
const POLLS = new Map([["lunch", ["pizza", "soup"]]]);

/** `/polls/:id`: members vote with a call. Only the server publishes. */
export const polls = roomEndpoint({
  authenticate,
  name: "polls",
  authorize: (_user, poll) => ({ join: POLLS.has(poll), publish: false, presence: true, history: true }),
  events: { vote: z.object({ choice: z.string() }) },
  rpc: {
    vote: {
      input: z.object({ choice: z.string() }),
      output: z.object({ offset: z.int() }),
      async handler({ choice }, { user, room }) {
        if (!POLLS.get(room.id)?.includes(choice)) {
          throw refuse("no_choice", `Nobody can vote for ${choice}.`);
        }
        return { offset: await room.publish("vote", { choice }, { as: user.id }) };
      },
    },
  },
});
