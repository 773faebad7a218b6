"""A PostgreSQL database with many products, of which few become due."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg

from bench.alert_data import AHEAD, EACH, Wave

_STOCK = f"""
WITH stocked AS (
INSERT INTO products (user_id, id, name, category, barcode, quantity, unit, location, notes,
    date_kind, expires_on, ends_at, expiring_from, alert_at, created_at, updated_at, version)
SELECT owner, gen_random_uuid()::text, 'Organic Milk', 'dairy', '', '1', 'l', 'fridge', '',
    'best_before', (due + interval '7 days')::date, due + interval '7 days', due, due, now(),
    now(), 1
FROM unnest($1::text[]) owner, generate_series(1, {EACH}) number,
    LATERAL (SELECT now() + ({AHEAD} + number % 300) * interval '1 day' AS due) moment
RETURNING user_id, id, expires_on
), received AS (
INSERT INTO movements (household_id, id, product_id, number, lot_id, kind, quantity, change, at,
    recorded_at)
SELECT user_id, id, id, 1, id, 'received', 1, 1, now(), now() FROM stocked
)
INSERT INTO lots (household_id, id, product_id, quantity, received_on, state_since, printed_on,
    date_kind, lot_number, serial, location, state, expires_on, date_source)
SELECT user_id, id, id, 1, current_date, now(), expires_on, 'best_before', '', '', 'fridge',
    'sealed', expires_on, 'printed' FROM stocked
"""
_MAKE_DUE = """
WITH due AS (
UPDATE products SET name = $2, expires_on = $3, alert_at = $4
FROM unnest($1::text[]) owner,
    LATERAL (SELECT id AS one FROM products WHERE user_id = owner ORDER BY id LIMIT $5) few
WHERE user_id = owner AND id = one
RETURNING user_id, id
)
UPDATE lots SET printed_on = $3, expires_on = $3 FROM due
WHERE household_id = user_id AND product_id = due.id
"""


def stock(url: str, users: Sequence[str]) -> None:
    """Store ``EACH`` products of each user, of which none is due soon."""
    asyncio.run(_execute(url, _STOCK, list(users)))
    asyncio.run(_execute(url, "ANALYZE"))


def make_due(url: str, wave: Wave) -> None:
    """Make the wave's products due, as another program does that writes while a node runs."""
    day = date.fromisoformat(wave.expires_on)
    asyncio.run(_execute(url, _MAKE_DUE, list(wave.users), wave.name, day, wave.at, wave.each))


async def _execute(url: str, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()
