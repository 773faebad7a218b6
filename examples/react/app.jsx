import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { reasonOf, signIn } from "../sign-in.js";
import { useNotifications } from "./use-notifications.js";

const NODE = "http://127.0.0.1:8000"; // location.origin, if a proxy serves both

function Unread({ token }) {
  const { unread, state, markRead } = useNotifications(NODE, token);
  return (
    <section aria-label="Unread">
      <p role="status">{state}</p>
      <ul>
        {unread.map(({ id, message }) => (
          <li key={id}>
            {message} <button onClick={() => markRead(id)}>Mark read</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function App() {
  const [token, setToken] = useState(null);
  const [refusal, setRefusal] = useState("");
  if (token) return <Unread token={token} />;
  const enter = async (fields) => {
    try {
      const fetchTicket = await signIn(NODE, fields.get("email"), fields.get("password"));
      setToken(() => fetchTicket);
    } catch (error) {
      setRefusal(await reasonOf(error));
    }
  };
  return (
    <form action={enter}>
      <label>E-mail <input name="email" type="email" required /></label>
      <label>Password <input name="password" type="password" required /></label>
      <button>Sign in</button>
      <p role="alert">{refusal}</p>
    </form>
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(
  <StrictMode><App /></StrictMode>,
);
