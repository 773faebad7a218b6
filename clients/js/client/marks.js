/**
 * Queue of marks: queued, in flight, durable.
 *
 * @module
 */

const UUID = /^[\da-f]{8}(-[\da-f]{4}){4}[\da-f]{8}$/i;
/** Frames in a batch of marks, and ids in a frame of an extended session. */
const BATCH_FRAMES = 30;
const FRAME_IDS = 90;

/**
 * Marks in the order in which they were queued.
 *
 * They are sent in batches, each followed by a PING. Its pong confirms the batch, because the server
 * makes a mark durable before it handles a later frame. If the connection is lost first, the marks
 * are sent again on the next one.
 */
export class Marks {
  /** Number of marks queued so far. */
  queued = 0;
  /** Number of marks confirmed so far. */
  durable = 0;
  /**
   * State of `mark_all_read` on this connection.
   *
   * @type {"no" | "queued" | "sent"}
   */
  all = "no";
  /**
   * Ids of the unconfirmed marks.
   *
   * @type {Set<string>}
   */
  ids = new Set();
  /** @type {string[]} */
  #batch = [];
  #inFlight = false;

  get pending() {
    return this.ids.size > 0 || this.all != "no";
  }

  /** @param {string} id */
  queue(id) {
    if (!this.ids.has(id)) this.queued++;
    this.ids.add(id);
  }

  /**
   * Return the frames of the next batch, now in flight; `null` while another one is, or for none.
   *
   * @param {boolean} extended
   */
  nextBatch(extended) {
    if (this.#inFlight || !this.pending) return null;
    this.#inFlight = true;
    this.#batch = [...this.ids];
    if (this.all != "no") {
      this.all = "sent";
      return [JSON.stringify({ action: "mark_all_read" })];
    }
    const share = extended ? FRAME_IDS : 1;
    this.#batch.splice(BATCH_FRAMES * share);
    // On an extended session the server rejects a whole frame for one invalid id.
    const valid = this.#batch.filter((id) => !extended || UUID.test(id));
    /** @type {string[]} */
    const frames = [];
    for (let at = 0; at < valid.length; at += share) {
      const part = extended ? { ids: valid.slice(at, at + share) } : { id: valid[at] };
      frames.push(JSON.stringify({ action: "mark_read", ...part }));
    }
    return frames;
  }

  /** Remove the batch in flight: it is durable. */
  confirm() {
    for (const id of this.#batch) this.ids.delete(id);
    this.durable += this.#batch.length;
    this.#inFlight = false;
    if (this.all == "sent") this.all = "no";
  }

  /** Forget the connection: no batch is in flight, and `mark_all_read` is not repeated. */
  reset() {
    this.#inFlight = false;
    this.all = "no";
  }
}
