import { z } from "zod";

/** Events of the chat. The function checks data against them; the page takes its types from here. */
export const chatEvents = {
  chat: z.object({ text: z.string().min(1).max(500) }),
};
