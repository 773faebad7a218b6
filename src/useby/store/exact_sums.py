"""Exact sums of decimals and of their products, on SQLite too.

PostgreSQL's ``numeric`` is exact. SQLite would add up floats, so there a decimal is taken apart
into whole numbers below a million (its *limbs*), of which the lowest are the millionths. Sums of
limbs, and of products of limbs, are exact for a million rows; ``_Total`` puts them together.
"""

from decimal import Decimal, localcontext
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

_LIMB: Final = 6
"""Decimal digits of a limb."""
_LIMBS: Final = 3
"""Limbs of a decimal of ``column_types.Exact``: two before the point, and one behind it."""
_DIGITS: Final = 60


class _Total(TypeDecorator[Decimal]):
    """A sum; on SQLite a text of the places behind the point and of the sums of limbs."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use text on SQLite."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the decimal, or ``None`` for the sum of nothing."""
        if value is None or dialect.name != "sqlite":
            return None if value is None else Decimal(value)
        places, *sums = map(int, value.split(","))
        with localcontext(prec=_DIGITS):
            return sum(
                (Decimal(each).scaleb(_LIMB * at - places) for at, each in enumerate(sums)),
                Decimal(0),
            )


class exact_sum(FunctionElement[Decimal]):  # noqa: N801 - used as a function of SQL is
    """Sum of a column of exact decimals that are not negative, or of the products of two."""

    type = _Total()
    inherit_cache = True


@compiles(exact_sum, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    factors = (compiler.process(each, **options) for each in element.clauses)
    return f"sum({' * '.join(factors)})"


@compiles(exact_sum, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    factors = [_limbs(compiler.process(each, **options)) for each in element.clauses]
    limbs = factors[0] if len(factors) == 1 else _product(*factors)
    sums = " || ',' || ".join(f"sum({limb})" for limb in limbs)
    return f"'{_LIMB * len(factors)},' || {sums}"


def _limbs(value: str) -> list[str]:
    """Return the limbs of a decimal that is stored as text, lowest first."""
    behind = f"substr({value}, instr({value} || '.', '.') + 1)"
    whole = f"CAST({value} AS INTEGER)"
    return [
        f"CAST(substr({behind} || '000000', 1, {_LIMB}) AS INTEGER)",
        f"{whole} % 1000000",
        f"{whole} / 1000000",
    ]


def _product(one: list[str], other: list[str]) -> list[str]:
    """Return the limbs of a product; each may be some times larger than a limb is."""
    return [
        " + ".join(
            f"({one[at]}) * ({other[place - at]})"
            for at in range(_LIMBS)
            if 0 <= place - at < _LIMBS
        )
        for place in range(2 * _LIMBS - 1)
    ]
