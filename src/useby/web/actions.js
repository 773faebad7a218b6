/**
 * What a person does to the stock.
 *
 * An action shows at once, and a message can undo it. Lots whose action the node refuses are shown as
 * before with the reason; what was done to the others stays. Without the node, an action waits on this
 * device.
 *
 * @module
 */

import { isAnswered, Queued } from "./changes.js";
import { withMessage } from "./state.js";
import { asShown, openLots, withLot, withoutPending, withoutProduct, withPending } from "./state/lots.js";

/** @typedef {import("./types.js").KeptLot} KeptLot */
/** @typedef {import("./types.js").LotAction} LotAction */
/** @typedef {import("./types.js").Product} Product */
/** @typedef {Pick<import("./state.js").Store, "state" | "update">} Store */
/** @typedef {{quantity?: string, at?: string, location?: string, reason?: string}} Details */
/** @typedef {{id: string, before: readonly KeptLot[]}} Done a movement, and the lots as they were before it */

/**
 * @typedef {object} Step what is asked of the node at a time
 * @property {string} productId
 * @property {string} name of the product
 * @property {readonly string[]} shown ids of the lots that show it until it is answered
 * @property {() => Promise<readonly Done[]>} send
 */

/**
 * @typedef {object} Outcome of several steps
 * @property {readonly Done[]} done
 * @property {readonly Queued[]} queued
 * @property {ReadonlyMap<string, readonly string[]>} refused names of products by the reason
 * @property {number} count of the products of which nothing was refused
 */

export class Actions {
  #store;
  #api;
  #t;
  #stock;
  /** @type {(() => Promise<void>) | null} */
  #undo = null;

  /**
   * @param {Store} store
   * @param {import("./api.js").Api} api within the household
   * @param {import("./text.js").Translate} t
   * @param {import("./stock.js").Stock} stock
   */
  constructor(store, api, t, stock) {
    this.#store = store;
    this.#api = api;
    this.#t = t;
    this.#stock = stock;
  }

  /**
   * Act on a lot.
   *
   * @param {KeptLot} lot
   * @param {LotAction} action
   * @param {Details} [details] a part, a time, a place or a reason
   */
  async act(lot, action, details = {}) {
    const { id, productId, product } = lot;
    const { quantity, ...rest } = details;
    const isAll = !quantity || quantity === lot.quantity;
    const send = async () => {
      const answer = await this.#api.act(id, action, isAll ? rest : { ...rest, quantity });
      this.#store.update(withLot, answer, product);
      const { part } = answer;
      if (part) this.#store.update(withLot, part, product);
      /** @type {KeptLot[]} */
      const before = part ? [lot, { ...part, product, countedOn: lot.countedOn, closedAs: "consumed" }] : [lot];
      return answer.movements.slice(-1).map((movement) => ({ id: movement.id, before }));
    };
    const shown = isAll && action !== "move" ? [id] : [];
    const text = this.#t(`done.${action}`, { name: product.name, place: details.location ?? "" });
    await this.#run([{ productId, name: product.name, shown, send }], action, () => text);
  }

  /**
   * Take all of several products.
   *
   * @param {readonly Product[]} products
   * @param {"consume" | "discard"} action
   */
  async takeAll(products, action) {
    const steps = products.map((product) => {
      const lots = openLots(this.#store.state, product);
      const send = async () => {
        const { movements } = await this.#api.takeAll(product.id, action);
        for (const lot of lots) this.#store.update(withLot, asShown(lot, action), lot.product);
        return movements.map(({ id, lotId }) => ({ id, before: lots.filter((lot) => lot.id === lotId) }));
      };
      return { productId: product.id, name: product.name, shown: lots.map(({ id }) => id), send };
    });
    await this.#run(steps, action, (n) => this.#t(`done.many.${action}`, { n }));
  }

  /**
   * Move all lots of several products.
   *
   * @param {readonly Product[]} products
   * @param {string} location
   */
  async moveAll(products, location) {
    const steps = products.flatMap((product) =>
      openLots(this.#store.state, product).map((lot) => {
        const send = async () => {
          const { movements } = await this.#api.act(lot.id, "move", { location });
          return movements.slice(-1).map(({ id }) => ({ id, before: [lot] }));
        };
        return { productId: product.id, name: product.name, shown: [], send };
      }),
    );
    await this.#run(steps, "move", (n) => this.#t("done.many.move", { n }));
  }

  /** @param {readonly Product[]} products */
  async deleteAll(products) {
    const steps = products.map(({ id, name }) => {
      const send = async () => {
        await this.#api.deleteProduct(id);
        this.#store.update(withoutProduct, id);
        return [];
      };
      return { productId: id, name, shown: [], send };
    });
    const outcome = await this.#take(steps);
    this.#report(outcome, (n) => this.#t("done.many.delete", { n }), false);
    await this.#stock.refresh();
  }

  /**
   * Take steps, and confirm them with a message that can undo them.
   *
   * @param {readonly Step[]} steps
   * @param {LotAction} action
   * @param {(n: number) => string} textOf writes the message about so many products
   */
  async #run(steps, action, textOf) {
    const ids = [...new Set(steps.map(({ productId }) => productId))];
    const taken = this.#stock.during(ids, () => this.#take(steps));
    this.#store.update(withPending, steps.flatMap(({ shown }) => shown), action);
    const undo = async () => this.#undoAll(await taken);
    this.#undo = undo;
    this.#store.update(withMessage, textOf(ids.length), { undoable: true });
    const outcome = await taken;
    if (outcome.refused.size) {
      const isLast = this.#undo === undo;
      const isUndoable = isLast && outcome.done.length + outcome.queued.length > 0;
      if (isLast && !isUndoable) this.#undo = null;
      this.#report(outcome, textOf, isUndoable, !isLast);
    }
    // What can't be fetched now comes with the next connection.
    if (outcome.done.length || outcome.refused.size) await this.#stock.changed(...ids).catch(() => {});
  }

  /**
   * Take steps one after the other. A refusal ends none of the others.
   *
   * @param {readonly Step[]} steps
   * @returns {Promise<Outcome>}
   */
  async #take(steps) {
    /** @type {Done[]} */
    const done = [];
    /** @type {Queued[]} */
    const queued = [];
    /** @type {Map<string, string[]>} */
    const refused = new Map();
    const whole = new Set(steps.map(({ productId }) => productId));
    for (const { productId, name, shown, send } of steps) {
      try {
        done.push(...(await send()));
        this.#store.update(withoutPending, shown, false);
      } catch (error) {
        if (error instanceof Queued) queued.push(error); // the lots show it until it is sent
        else {
          const reason = this.#stock.reasonOf(error);
          const names = refused.get(reason) ?? [];
          if (!names.includes(name)) refused.set(reason, [...names, name]);
          whole.delete(productId);
          this.#store.update(withoutPending, shown, true);
        }
      }
    }
    return { done, queued, refused, count: whole.size };
  }

  /**
   * Show what was done of several steps, and what was refused.
   *
   * @param {Outcome} outcome
   * @param {(n: number) => string} textOf
   * @param {boolean} undoable
   * @param {boolean} [isEarlier] a later action has its own message by now, which keeps its undo
   */
  #report({ refused, count }, textOf, undoable, isEarlier = false) {
    const { message } = this.#store.state;
    const later = isEarlier && message?.undoable ? message.text : "";
    const refusals = [...refused].map(([reason, names]) => this.#t("refused", { name: names.join(", "), reason }));
    const text = !refusals.length ? textOf(count) : [...(count ? [`${textOf(count)}.`] : []), ...refusals].join(" ");
    const whole = later ? `${text} ${later}` : text;
    this.#store.update(withMessage, whole, { undoable: undoable || later !== "", failed: refusals.length > 0 });
  }

  /** Undo the last action. */
  async undo() {
    const undo = this.#undo;
    if (!undo) return;
    this.#undo = null;
    try {
      await undo();
    } catch (error) {
      return this.#store.update(withMessage, this.#stock.reasonOf(error), { failed: true });
    }
    // A later action has its own message by now, with its own undo.
    if (!this.#undo) this.#store.update(withMessage, this.#t("done.undone"));
  }

  /**
   * Undo all steps of an action, the last one first. One that can't be undone keeps no other from it.
   *
   * @param {Outcome} outcome
   */
  async #undoAll({ done, queued }) {
    /** @type {unknown[]} */
    const failures = [];
    const undos = [...done.map(({ id, before }) => () => this.undoMovement(id, before)), ...queued.map(({ undo }) => undo)];
    for (const undo of undos.reverse()) await isAnswered(undo()).catch((error) => failures.push(error));
    if (failures.length) throw failures[0];
  }

  /**
   * Undo a movement.
   *
   * @param {string} id
   * @param {readonly KeptLot[]} [before] lots as they were before it, to show them so while the undo waits
   * @param {string} [name] of the product
   * @throws {Queued} the undo waits on this device
   */
  async undoMovement(id, before = [], name = before[0]?.product.name ?? "") {
    const product = await this.#api.undo(id, before, name);
    for (const lot of product.lots ?? []) this.#store.update(withLot, lot, product);
    await this.#stock.changed(product.id);
  }
}
