import { useCallback, useEffect, useRef, useState } from "react";
import { Notifications } from "@useby/client";

/**
 * What a person has not read yet, oldest first, as it is on all their devices.
 *
 * @param {string} node its URL
 * @param {() => Promise<string>} token brings a ticket or an access token; keep it the same
 *   function from one rendering to the next, or the connection is made anew
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
