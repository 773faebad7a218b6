/** @module Channels: where notifications also reach the person, this browser first. */

import { html } from "../html.js";
import { withMessage } from "../state.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";
import { ChannelRow } from "./channel_row.js";
import { wordsIn } from "./channel_text.js";
import { useApp } from "./context.js";
import { NewChannel } from "./new_channel.js";
import { NotifyDevice } from "./notify_device.js";

/** @typedef {import("../types.js").Channel} Channel */

export function Channels() {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const [channels, setChannels] = useState(/** @type {readonly Channel[]} */ ([]));
  const [kinds, setKinds] = useState(/** @type {readonly string[]} */ ([]));
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  const load = async () => setChannels((await app.api.channels()).items);
  useEffect(
    () =>
      void app.attempt(async () => {
        const [{ channelKinds }] = await Promise.all([app.api.config(), load()]);
        setKinds(channelKinds);
      }),
    [],
  );

  /** @param {Channel} changed */
  const put = (changed) => setChannels((now) => now.map((each) => (each.id === changed.id ? changed : each)));
  /** @param {Channel} channel */
  const remove = async (channel) => {
    const { push } = app.offline() ?? {};
    if (push?.channel === channel.id) await push.turnOff();
    else await app.api.deleteChannel(channel.id);
    await load();
    app.store.update(withMessage, words("deleted", { name: channel.name }));
    section.current?.querySelector("button")?.focus(); // the button that had the focus goes
  };
  const others = kinds.filter((kind) => kind !== "webpush");
  return html`
    <div ref=${section}>
      <p class="hint">${words("hint")}</p>
      ${kinds.includes("webpush") && html`<${NotifyDevice} onChange=${() => void app.attempt(load)} />`}
      ${channels.length > 0 &&
      html`<ul class="devices" role="list">
        ${channels.map(
          (each) => html`
            <${ChannelRow} key=${each.id} of=${each} onChange=${put} onGone=${load} onDelete=${() => void app.attempt(() => remove(each))} />
          `,
        )}
      </ul>`}
      ${others.length > 0 && html`<${NewChannel} kinds=${others} onMade=${() => void app.attempt(load)} />`}
    </div>
  `;
}
