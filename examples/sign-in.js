/**
 * Sign in and return the `token` function for `Notifications`; it fetches a ticket.
 *
 * An access token expires after 15 minutes; then the refresh token is exchanged for two new tokens.
 * When the server rejects the refresh token, `Notifications` closes and the user has to sign in
 * again.
 *
 * @param {string} node
 * @param {string} email
 * @param {string} password
 */
export async function signIn(node, email, password) {
  let tokens = await post(`${node}/api/auth/login`, { email, password });
  const ticket = () => post(`${node}/api/ws/ticket`, undefined, tokens.accessToken);
  const exchange = async (answer) => {
    if (answer.status !== 401) throw answer;
    const { refreshToken } = tokens;
    tokens = await post(`${node}/api/auth/refresh`, { refreshToken });
    return ticket();
  };
  return async () => (await ticket().catch(exchange)).ticket;
}

/**
 * Return the sentence to show when signing in has failed.
 *
 * @param {unknown} error
 */
export async function reasonOf(error) {
  if (!(error instanceof Response)) return "The server can't be reached.";
  const { detail, title } = await error.json().catch(() => ({}));
  return detail || title || `The server answered ${error.status}.`;
}

async function post(url, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw answer; // the client reads its status and its Retry-After
  return answer.json();
}
