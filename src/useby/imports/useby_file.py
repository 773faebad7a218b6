"""Read useby's own export: policies of alerts, and products with the history of their lots."""

from collections.abc import Iterable
from typing import Final

from useby.domain.policy import MAX_NAMES, Scope
from useby.domain.product import DateKind
from useby.imports.json_file import Element
from useby.imports.tables import Format, Table, UnreadableFile
from useby.schemas.policy_file import WidePolicy
from useby.schemas.stock_file import FORMAT, VERSION

PRODUCTS: Final = "products"
"""Member that has the products."""
POLICIES: Final = "policies"
"""Member that has the policies of the account, of categories, locations and kinds of date."""
MOST_POLICIES: Final = 1 + 2 * MAX_NAMES + len(DateKind)
"""Maximum policies that are stored with an account."""


def is_useby(first: Element) -> bool:
    """Return whether a JSON file is an export of useby, by its first element."""
    return first.member == "format" and first.value == FORMAT


def read(elements: Iterable[Element], encoding: str) -> Table:
    """Return the products of a file.

    Raises:
        UnreadableFile: The file has another form, or is of a later version.
    """
    table = Table(Format.USEBY, encoding)
    version = None
    for element in elements:
        if element.member == "version" and not element.is_listed:
            version = _known(element.value)
        elif element.member in (PRODUCTS, POLICIES) and element.is_listed:
            if version is None:
                raise UnreadableFile(f'"version": {VERSION} must stand before the {element.member}')
            if element.member == POLICIES:
                _add_policy(table, element)
            elif isinstance(element.value, dict):
                table.add(element.line, element.value)
            else:
                table.refuse_row(element.line, "must be an object, a product", element.value)
        elif element.member != "format":
            raise UnreadableFile(
                f'an export of useby looks like {{"format": "{FORMAT}", "version": {VERSION},'
                f' "{PRODUCTS}": […]}}'
            )
    if version is None:
        raise UnreadableFile(f'the file has no version, e.g. "version": {VERSION}')
    return table


def _add_policy(table: Table, element: Element) -> None:
    if len(table.policies) >= MOST_POLICIES:
        raise UnreadableFile(f"the file has more than {MOST_POLICIES} policies")
    policy = WidePolicy.read(element.value)
    if not isinstance(policy, WidePolicy):
        table.bad_rows += 1
        for each in policy:
            table.refuse(element.line, each.message, each.at.partition(".")[0] or None)
        return
    scope, key = Scope(policy.scope.value), policy.stored_key
    if (scope, key) in table.policies:
        message = f"the policy of {'/'.join(filter(None, (scope, key)))} stands in the file already"
        table.refuse_row(element.line, message, policy.key)
    else:
        table.policies[scope, key] = policy.fields


def _known(version: object) -> int:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadableFile(f'the version must be a whole number, e.g. "version": {VERSION}')
    if version > VERSION:
        raise UnreadableFile(
            f"the file has version {version} of the form, and this program reads up to {VERSION}:"
            " import it with the version of useby that wrote it, or a later one"
        )
    return version
