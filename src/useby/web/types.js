/**
 * Types of what the node answers, and of what the page keeps.
 *
 * @module
 */

/** @typedef {"expired" | "today" | "next3Days" | "next7Days" | "later" | "never"} Urgency */
/** @typedef {"consume" | "discard" | "open" | "freeze" | "thaw" | "move"} LotAction */
/** @typedef {"expired" | "expiring" | "fresh" | "consumed" | "discarded"} Status */
/** @typedef {"use_by" | "best_before"} DateKind */
/** @typedef {"sealed" | "opened" | "frozen" | "thawed"} LotState */

/**
 * @typedef {object} ProductSummary
 * @property {string} id
 * @property {string} name
 * @property {string} category
 * @property {string} unit
 * @property {DateKind} dateKind
 * @property {number} lotCount
 */

/**
 * @typedef {object} Lot
 * @property {string} id
 * @property {string} productId
 * @property {string} quantity
 * @property {string | null} printedDate
 * @property {string | null} expiryDate
 * @property {DateKind} dateKind
 * @property {string} receivedOn
 * @property {string} lotNumber
 * @property {string} location
 * @property {LotState} state
 * @property {Status} status
 * @property {number | null} daysLeft
 * @property {"consumed" | "discarded" | null} closedAs
 */

/**
 * A lot as the page keeps it: with its product, and the day on which `daysLeft` was counted.
 *
 * @typedef {Lot & {product: ProductSummary, countedOn: number}} KeptLot
 */

/**
 * @typedef {object} ProductFields
 * @property {string} barcode
 * @property {string[]} barcodes
 * @property {string} quantity
 * @property {string} location
 * @property {string} notes
 * @property {string | null} expiryDate
 * @property {string | null} externalId
 * @property {string | null} minimumStock
 * @property {string | null} shelfLife
 * @property {string | null} afterOpening
 * @property {string | null} afterFreezing
 * @property {string | null} afterThawing
 * @property {Status} status
 * @property {number | null} daysLeft
 * @property {"consumed" | "discarded" | null} closedAs
 * @property {Lot[]} [lots]
 * @property {Lot[] | undefined} [present] `lots` as the node lists them, while their rows stay in place
 * @property {boolean} [isSketch] it is made of its lots, because the page has not loaded the product
 */

/** @typedef {ProductSummary & ProductFields} Product */

/**
 * @typedef {object} Movement
 * @property {string} id
 * @property {string} productId
 * @property {string} lotId
 * @property {string} kind
 * @property {string} quantity
 * @property {string} at
 * @property {string | null} reason
 * @property {string | null} undoes
 * @property {string | null} [byUser] id of the member who did it, if it is known
 */

/** @typedef {Lot & {movements: Movement[], part: Lot | null}} LotDone */

/**
 * @typedef {object} Alert
 * @property {string} lotId
 * @property {string} lead
 * @property {string} at
 * @property {"info" | "warning" | "error"} severity
 * @property {{scope: "lot" | "product" | "category" | "location" | "dateKind" | "account" | "household" | "builtin", key: string | null}} because
 * @property {string} message
 */

/** @typedef {Pick<Alert, "lead" | "because"> & {productId: string, productName: string}} AlertReason why an alert was sent */

/** @typedef {"lot" | "product" | "category" | "location" | "dateKind" | "account" | "household"} PolicyScope */
/** @typedef {{scope: PolicyScope, key: string | null, name?: string}} PolicySubject what a policy is about */

/**
 * @typedef {object} Policy a field that is null is that of the next wider one
 * @property {PolicyScope} scope
 * @property {string | null} key
 * @property {string[] | null} leads
 * @property {string | null} alertTime
 * @property {boolean | null} onExpiry
 * @property {{every: string, most: number} | null} repeat
 * @property {boolean | string | null} muted
 */

/**
 * @typedef {object} Notification
 * @property {string} id
 * @property {string} message
 * @property {"info" | "warning" | "error"} type
 * @property {string} created_at
 * @property {number} seq
 * @property {string | null} productId
 * @property {string | null} event
 * @property {boolean} read
 * @property {string | null} [householdId] of the household that it is about; none for the person's own
 * @property {string | null} [snoozedUntil] absent where the node cannot snooze
 */

/** @typedef {{productId: string | null, lotId: string | null, message: string, severity: string}} SummaryItem */

/** @typedef {"mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun"} Weekday */
/** @typedef {{days: Weekday[], from: string, until: string}} QuietWindow over midnight if it ends earlier */
/**
 * @typedef {object} Digest
 * @property {"off" | "day" | "week"} every
 * @property {string} at
 * @property {Weekday} weekday
 * @property {("info" | "warning" | "error")[]} severities
 */

/**
 * @typedef {object} Me
 * @property {string} id
 * @property {string | null} email
 * @property {string} name
 * @property {string} timeZone
 * @property {string} alertTime
 * @property {number[]} leadDays
 * @property {number} floodCap
 * @property {QuietWindow[]} quietHours
 * @property {boolean} urgentPassesQuietHours
 * @property {Digest} digest
 * @property {string | null} currency
 * @property {string | null} [language] absent where the node has no languages
 */

/**
 * @typedef {object} Member of a household
 * @property {string} userId
 * @property {string} name
 * @property {string | null} [email]
 * @property {Role} role
 */

/**
 * @typedef {object} HouseholdInvitation one that nobody has accepted yet
 * @property {string} id
 * @property {Role} role
 * @property {string} expiresAt
 */

/** @typedef {HouseholdInvitation & {token: string, url: string}} NewInvitation */

/** @typedef {"owner" | "editor" | "kiosk" | "viewer"} Role */

/**
 * @typedef {object} Household one that the person is a member of
 * @property {string} id that of the account of its founder
 * @property {string} name
 * @property {Role} role the person's
 * @property {string} timeZone in which its days are counted
 * @property {string | null} currency
 * @property {boolean} readSettlesAll
 */

/**
 * @typedef {object} SignIn
 * @property {string} id
 * @property {string} createdAt
 * @property {string} lastUsedOn
 * @property {string | null} program
 * @property {string | null} system
 * @property {boolean} current
 */

/** @typedef {"notify" | "listen" | "stock:read" | "stock:write" | "calendar"} KeyScope */

/**
 * A key of a program, without its text.
 *
 * @typedef {object} ProgramKey
 * @property {string} id
 * @property {string} name
 * @property {string} prefix
 * @property {KeyScope[]} scopes
 * @property {string} createdAt
 * @property {string | null} expiresAt
 * @property {string | null} lastUsedOn
 * @property {string} householdId the household whose products and lots it may use
 */

/** @typedef {{date: string | null, certain: boolean, readings: string[]}} Reading */

/**
 * @typedef {object} Scan
 * @property {string | null} gtin
 * @property {string | null} lotNumber
 * @property {string | null} printedDate
 * @property {DateKind | null} dateKind
 * @property {string | null} quantity
 * @property {string | null} unit
 * @property {string | null} name
 * @property {Product | null} product
 * @property {string[]} warnings
 */

/** @typedef {{name: string, lots: number}} Picked a location or category with its open lots */

/** @typedef {Record<Urgency, number>} Counts */

/** @typedef {{monday: string, lots: number}} Week */

/** @typedef {{line: number | null, column: string | null, value: string | null, message: string}} Finding */

/**
 * @typedef {object} ImportReport
 * @property {string | null} format
 * @property {string | null} encoding
 * @property {"dmy" | "mdy" | null} dateOrder
 * @property {number | null} dateOrderLine
 * @property {{line: number, text: string, date: string | null}[]} dates the first dates as they are understood
 * @property {Record<string, string | null>} columns our name by the file's name of each column
 * @property {number} added
 * @property {number} changed
 * @property {number} unchanged
 * @property {Finding[]} bad
 * @property {Finding[]} warnings
 */

/**
 * @typedef {object} ImportOptions
 * @property {Readonly<Record<string, string>>} columns our name by the file's, as chosen; empty to leave it out
 * @property {string} order `dmy`, `mdy`, or empty
 * @property {boolean} skipBad
 */

/**
 * @typedef {object} Channel
 * @property {string} id
 * @property {string} kind
 * @property {string} name
 * @property {string | null} url
 * @property {string | null} address
 * @property {boolean} confirmed false until the owner of an e-mail address has confirmed it
 * @property {boolean} enabled
 * @property {"info" | "warning" | "error"} minimumSeverity
 * @property {string} after a duration such as PT10M
 * @property {boolean} onlyWhenAway
 * @property {"ok" | "retrying" | "failed"} state
 * @property {string | null} error
 */

/**
 * @typedef {object} Delivery
 * @property {string} notificationId
 * @property {string} message
 * @property {"pending" | "sent" | "skipped_read" | "skipped_seen" | "failed"} state
 * @property {string} dueAt
 * @property {string | null} doneAt
 * @property {string | null} error
 */

/** @typedef {{lots: number, quantities: Record<string, string>, money: string | null}} Amount */

/**
 * @typedef {object} StatsGroup
 * @property {string} key
 * @property {string} name
 * @property {Amount} taken
 * @property {Amount} thrownAway
 * @property {string | null} shareThrownAway 0 to 1
 * @property {string | null} averageDaysLeft
 * @property {number} takenAfterAlert
 */

/**
 * @typedef {object} Stats
 * @property {string | null} currency
 * @property {StatsGroup[]} groups
 * @property {(Amount & {productId: string, name: string})[]} mostThrownAway
 */

/**
 * @template Item
 * @typedef {{items: Item[], nextCursor: string | null}} Page
 */

export {};
