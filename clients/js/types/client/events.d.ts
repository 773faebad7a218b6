/**
 * Return the notification of a frame.
 *
 * @param {Frame & {id: string}} frame
 * @param {() => Promise<void>} markRead
 * @returns {Notification}
 */
export function notificationOf({ created_at: createdAt, readAt, ...fields }: Frame & {
    id: string;
}, markRead: () => Promise<void>): Notification;
export function stateOf(name: State["name"], more?: Partial<Omit<State, "name">>): State;
export type Frame = import("./connection.js").Frame;
/**
 * One of the alerts that a summary takes together.
 */
export type SummaryItem = {
    productId: string;
    lotId: string | null;
    message: string;
    severity: "info" | "warning" | "error";
};
export type Notification = {
    /**
     * unique, never reused
     */
    id: string;
    message: string;
    type: "info" | "warning" | "error";
    /**
     * `""` if no product is concerned
     */
    productName: string;
    createdAt: Date;
    /**
     * number among the user's notifications; this and the
     * following are `null` on a plain session
     */
    seq: number | null;
    /**
     * `expiring`, `expired`, `added`, …
     */
    event: string | null;
    productId: string | null;
    /**
     * `YYYY-MM-DD`
     */
    expiresOn: string | null;
    daysLeft: number | null;
    readAt: Date | null;
    /**
     * of the household that it is about
     */
    householdId: string | null;
    /**
     * the most urgent alerts of a summary, at most 50
     */
    items: readonly SummaryItem[] | null;
    /**
     * queue the mark that it was read; see `flush()`
     */
    markRead: () => Promise<void>;
};
export type State = {
    name: "idle" | "connecting" | "connected" | "waiting" | "closed";
    /**
     * close code or HTTP status that led to this state
     */
    code: number | null;
    reason: string;
    /**
     * seconds until the next attempt; `null` if no time is set
     */
    wait: number | null;
    /**
     * true if the server granted the extended session
     */
    extended: boolean;
};
export type Read = {
    /**
     * ids read on any device; empty if the server sent only the count
     */
    ids: string[];
    /**
     * number of unread notifications now
     */
    unread: number;
};
/**
 * A lot, as REST returns it.
 */
export type Lot = {
    id: string;
    productId: string;
    /**
     * a decimal
     */
    quantity: string;
    /**
     * the date on the package; `null` means never
     */
    printedDate: string | null;
    /**
     * the date that counts now: a day, or a time with its offset
     */
    expiryDate: string | null;
    /**
     * `printed`, `shelfLife`, `opened`, `frozen`, `thawed`, `typed`
     */
    dateSource: string | null;
    dateKind: "use_by" | "best_before";
    /**
     * `YYYY-MM-DD`
     */
    receivedOn: string;
    lotNumber: string;
    serial: string;
    location: string;
    /**
     * of one unit, a decimal
     */
    price: string | null;
    state: "sealed" | "opened" | "frozen" | "thawed";
    stateSince: string;
    status: string;
    daysLeft: number | null;
    closedAs: string | null;
    closedAt: string | null;
};
/**
 * A product as REST returns it with `include=lots`; `/api/docs` of a node shows the other fields.
 * A deleted product has only its `id`.
 */
export type Product = {
    id: string;
    lotCount?: number;
    lots?: Lot[];
    [field: string]: unknown;
};
export type ProductChanged = {
    /**
     * `added`, `updated` or `closed`
     */
    change: string;
    /**
     * `lots` has the first 50 in the order in which they are taken
     */
    product: Product;
    /**
     * of the household whose product it is; older nodes send none
     */
    householdId?: string;
};
export type Events = {
    notification: CustomEvent<Notification>;
    state: CustomEvent<State>;
    read: CustomEvent<Read>;
    product: CustomEvent<ProductChanged>;
};
export type Listener<Kind extends keyof Events> = ((event: Events[Kind]) => void) | {
    handleEvent(event: Events[Kind]): void;
} | null;
/**
 * an `EventTarget` with typed events
 */
export type Target = {
    addEventListener<Kind extends keyof Events>(kind: Kind, listener: Listener<Kind>, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<Kind extends keyof Events>(kind: Kind, listener: Listener<Kind>, options?: boolean | EventListenerOptions): void;
    dispatchEvent(event: Event): boolean;
};
