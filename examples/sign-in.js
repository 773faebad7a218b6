/**
 * Sign in, and get what `Notifications` wants for its `token`: a function that brings a ticket.
 *
 * When the access token ends, so does that. A page that stays longer exchanges its refresh token
 * in time, as `src/useby/web/account.js` does.
 *
 * @param {string} node
 * @param {string} email
 * @param {string} password
 */
export async function signIn(node, email, password) {
  const { accessToken } = await post(`${node}/api/auth/login`, { email, password });
  return async () => (await post(`${node}/api/ws/ticket`, undefined, accessToken)).ticket;
}

async function post(url, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw answer; // the client looks at its status and its Retry-After
  return answer.json();
}
