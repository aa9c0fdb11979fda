import type { InputOf, OutputOf } from "@realtime-edge/client";
import {
  useMessages,
  usePresence,
  useRoom,
  useRoomState,
} from "@realtime-edge/client/react";
import type { SubmitEvent } from "react";
import type { chatEvents } from "../supabase/functions/realtime/routes/chat_events.ts";

/** Data that the page sends and receives, from the schemas of the server. */
type Input = InputOf<typeof chatEvents>;
type Output = OutputOf<typeof chatEvents>;

const user = new URLSearchParams(location.search).get("user") ?? "alice";

/** Asks the development server. In production this is `supabase.auth.getSession()`. */
async function token(): Promise<string> {
  const response = await fetch(`/dev/token?user=${encodeURIComponent(user)}`);
  if (!response.ok) throw new Error(`No token: ${response.status}`);
  return await response.text();
}

export default function App() {
  const room = useRoom<Input, Output>(
    `${location.origin}/realtime/rooms/lobby`,
    { token, history: 50 },
  );
  const state = useRoomState(room);
  const { messages } = useMessages(room, { event: "chat" });
  const { users } = usePresence(room, { name: user });
  const names = [...users.keys()].join(", ");

  function send(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get("text"));
    // Waits for a connection, and is stored once.
    room.publish("chat", { text }).catch((error: unknown) => alert(error));
    form.reset();
  }

  return (
    <>
      <p>
        {state.type === "waiting" ? state.reason.message : `${state.type}.`} Here: {names}
      </p>
      <ul>
        {messages.map(({ id, from, data }) => (
          <li key={id}>{from.user}: {data.text}</li>
        ))}
      </ul>
      <form onSubmit={send}>
        <input name="text" aria-label="Message" required maxLength={500} />
        <button>Send</button>
      </form>
    </>
  );
}
