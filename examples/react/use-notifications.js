import { useCallback, useEffect, useRef, useState } from "react";
import { Notifications } from "@useby/client";

/**
 * Return the unread notifications of a user, oldest first, kept up to date with all devices.
 *
 * @param {string} node URL of the node
 * @param {() => Promise<string>} token fetches a ticket or an access token; pass the same function
 *   on each render, or the hook reconnects
 */
export function useNotifications(node, token) {
  const [unread, setUnread] = useState([]);
  const [state, setState] = useState("idle");
  const connection = useRef(null);

  useEffect(() => {
    const ending = new AbortController();
    const notifications = new Notifications(node, { token, signal: ending.signal });
    const { signal } = ending;
    connection.current = notifications;
    setUnread([]);
    notifications.addEventListener("state", ({ detail }) => setState(detail.name), { signal });
    notifications.addEventListener(
      "read",
      ({ detail: { ids, unread: count } }) =>
        setUnread((all) => (ids.length ? all.filter(({ id }) => !ids.includes(id)) : count ? all : [])),
      { signal },
    );
    notifications.addEventListener(
      "notification",
      ({ detail }) => detail.readAt ?? setUnread((all) => [...all, detail]),
      { signal },
    );
    return () => ending.abort();
  }, [node, token]);

  const markRead = useCallback((...ids) => connection.current?.markRead(...ids), []);
  return { unread, state, markRead };
}
