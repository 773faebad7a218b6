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
 * the product as REST returns it
 */
export type ProductChanged = {
    change: string;
    product: object;
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
