"""The catalogue of names: of no user, by canonical GTIN."""

from useby.store import catalogue
from useby.store.catalogue import Entry
from useby.store.database import Database

CODE = "04012345678901"
TEA = Entry(CODE, "Tea 'Käse' 茶", "Some Brand", "250 g")


async def test_an_entry_is_found_by_its_code_and_loading_again_replaces_it(
    database: Database,
) -> None:
    assert await database.read(lambda c: catalogue.get(c, CODE)) is None
    others = [Entry(f"{number:014}", f"n{number}", "", "") for number in range(1, 1000)]
    await database.write(lambda t: catalogue.put(t, [*others, TEA]))
    assert await database.read(lambda c: catalogue.get(c, CODE)) == TEA
    changed = TEA._replace(name="Green tea", quantity="")
    for _ in range(2):
        await database.write(lambda t: catalogue.put(t, [changed]))
        assert await database.read(lambda c: catalogue.get(c, CODE)) == changed
    assert await database.read(lambda c: catalogue.get(c, others[7].code)) == others[7]
    await database.write(lambda t: catalogue.put(t, []))
