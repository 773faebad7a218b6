/** @module The frame of all views: navigation, connection, messages. */

import { html } from "../html.js";
import { ConnectionStatus } from "../parts/connection.js";
import { AppContext, useApp } from "../parts/context.js";
import { Icon } from "../parts/icon.js";
import { lazy } from "../parts/lazy.js";
import { MoreDialog } from "../parts/more.js";
import { isKiosk } from "../kiosk.js";
import { fragmentOf, viewsOf } from "../routes.js";
import { may } from "../state/household.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
import { Due } from "./due.js";

/** @typedef {import("../routes.js").View} View */

/** Views that the first load does not contain; they are fetched once the first one is shown. */
const LATER = {
  products: lazy(async () => (await import("./products.js")).Products),
  product: lazy(async () => (await import("./product.js")).ProductView),
  add: lazy(async () => (await import("./add.js")).Add),
  inbox: lazy(async () => (await import("./inbox.js")).Inbox),
  insights: lazy(async () => (await import("./insights.js")).Insights),
  settings: lazy(async () => (await import("./settings.js")).Settings),
};
/** @type {Record<View, unknown>} */
const VIEW = { due: Due, ...LATER, invite: lazy(async () => (await import("./invite.js")).Invite) };
const InvitedBy = lazy(async () => (await import("./invite.js")).InvitedBy, null);
const SignIn = lazy(async () => (await import("./signin.js")).SignIn);
/** What stands around the views, and comes after the first one. */
const DemoNote = lazy(async () => (await import("../parts/demo_note.js")).DemoNote, null);
const Importing = lazy(async () => (await import("../parts/importing.js")).Importing, null);
const UndoMessage = lazy(async () => (await import("../parts/undo.js")).UndoMessage, null);
const ICONS = { read: new URL("../icon.svg", import.meta.url).href, unread: new URL("../icon-unread.svg", import.meta.url).href };

/** @param {{app: import("../parts/context.js").App}} props */
export function Page({ app }) {
  const [state, setState] = useState(app.store.state);
  const [invitation, setInvitation] = useState(invitationOf(location.hash));
  const wasSignedIn = useRef(false);
  useEffect(() => {
    setState(app.store.state); // it may have changed since the first rendering
    return app.store.subscribe(() => setState(app.store.state));
  }, []);
  useUnreadMark(state.unread);
  useLaterViews(app, state.due.counts !== null);
  const isComplete = useComplete(state);
  const { signedIn, route } = state;
  const key = `${signedIn} ${route.view} ${route.id}`;
  const view = route.view === "add" && !may(state, "change") ? "due" : route.view; // a link leads nobody to what is refused
  useFocusOnChange(key);
  if (signedIn) wasSignedIn.current = true;
  const { t } = app;
  const onAccepted = () => {
    setInvitation(null);
    history.replaceState(null, "", location.pathname + location.search);
  };
  return html`
    <${AppContext.Provider} value=${{ app, state }}>
      <a class="skip" href="#content" onClick=${focusContent}>${t("app.skip")}</a>
      <header class="top">
        <p class="top__name"><a href=${fragmentOf("due")}>${t("app.name")}</a></p>
        ${signedIn && state.switcher && html`<${state.switcher} />`}
        <${ConnectionStatus} />
        ${signedIn && html`<${Navigation} current=${view} />`}
      </header>
      ${isComplete && html`<${DemoNote} />`}
      ${signedIn && state.notice && html`<${state.notice} />`}
      <main id="content" class="content">
        ${signedIn
          ? html`
              ${state.error && html`<p class="error error--page" role="alert">${state.error}</p>`}
              <${VIEW[view]} key=${`${key} ${app.households.id}`} />
            `
          : html`
              ${route.view === "invite" && html`<${InvitedBy} key=${key} />`}
              <${SignIn} invitation=${invitation} isAgain=${wasSignedIn.current} onAccepted=${onAccepted} />
            `}
      </main>
      <${Announcer} />
      ${signedIn && isComplete && html`<${Importing} />`}
      ${signedIn && isComplete && html`<${UndoMessage} />`}
      <footer class="foot">
        ${t("app.developers")} <a href="api/docs">REST</a>, <a href="api/asyncapi.json">WebSocket</a>
      </footer>
    <//>
  `;
}

/** @param {Event} event */
function focusContent(event) {
  event.preventDefault();
  document.querySelector("h1")?.focus();
}

/**
 * Return the invitation in the link that `useby user invite` printed; no server sees this part.
 *
 * @param {string} fragment
 */
function invitationOf(fragment) {
  const values = new URLSearchParams(fragment.slice(1));
  return values.has("invitation") ? values : null;
}

/**
 * Give the focus to the heading of a new view. Not at the start, where the browser reads the page.
 *
 * @param {string} key of the view
 */
function useFocusOnChange(key) {
  const before = useRef(key);
  useLayoutEffect(() => {
    if (before.current === key) return;
    before.current = key;
    scrollTo(0, 0);
    const heading = document.querySelector("h1");
    if (!document.querySelector("main input:focus")) heading?.focus({ preventScroll: true });
  }, [key]);
}

/**
 * Return true from the moment at which the first view has what it shows, or cannot have it.
 *
 * @param {import("../state.js").State} state
 */
function useComplete({ signedIn, due, error }) {
  const isComplete = useRef(false);
  isComplete.current ||= !signedIn || due.counts !== null || error !== "";
  return isComplete.current;
}

/**
 * Fetch the other views, and the dialog of a lot, once the browser has nothing to do.
 *
 * @param {import("../parts/context.js").App} app
 * @param {boolean} isShown the first view has its content
 */
function useLaterViews(app, isShown) {
  useEffect(() => {
    if (!isShown) return;
    app.whenIdle(() => {
      // What can't be fetched now is fetched again when it is shown.
      for (const { fetch } of [...Object.values(LATER), MoreDialog, SignIn]) void fetch().catch(() => {});
    });
  }, [isShown]);
}

/**
 * Show the number of unread notifications in the title, the icon and the installed app's badge.
 *
 * @param {number} unread
 */
function useUnreadMark(unread) {
  useEffect(() => {
    document.title = unread ? `(${unread}) useby` : "useby";
    const icon = document.querySelector("link[rel=icon]");
    if (icon instanceof HTMLLinkElement) icon.href = unread ? ICONS.unread : ICONS.read;
    if (!("setAppBadge" in navigator)) return;
    void (unread ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => {}); // not installed
  }, [unread]);
}

/** Announce what has come; several notifications are one announcement. */
function Announcer() {
  const { app, state } = useApp();
  const { count, text, number } = state.arrived;
  const announced = count > 1 ? app.t("inbox.arrived", { n: count }) : text;
  return html`<p class="unseen" role="status"><span key=${number}>${announced}</span></p>`;
}

/** @param {{current: View}} props */
function Navigation({ current }) {
  const { app, state } = useApp();
  const { t } = app;
  const { unread } = state;
  return html`
    <nav class="nav" aria-label=${t("nav.main")}>
      <ul role="list">
        ${viewsOf(isKiosk, may(state, "change")).map((view) => {
          const isCurrent = view === current || (view === "products" && current === "product");
          return html`
            <li>
              <a class="nav__link" href=${fragmentOf(view)} aria-current=${isCurrent ? "page" : undefined} aria-describedby=${view === "inbox" && unread ? "nav-unread" : undefined}>
                <${Icon} name=${view} /><span>${t(`nav.${view}`)}</span>
              </a>
              ${view === "inbox" && unread > 0 && html`<span class="nav__badge" id="nav-unread" aria-label=${t("nav.unread", { n: unread })}>${unread > 99 ? "99+" : unread}</span>`}
            </li>
          `;
        })}
      </ul>
    </nav>
  `;
}
