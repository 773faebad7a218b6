"""A page in Chromium whose line is cut, and what it keeps on its device."""

import json
from typing import Final

from playwright.async_api import BrowserContext, Page, expect
from tests.support.pages import connection, until

LOST: Final = ("Failed to load resource", "WebSocket connection to")
"""What Chromium reports of each request while the line is cut."""
KEPT: Final = """async () => {
    const open = (name) => new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const found = {};
    for (const { name } of await indexedDB.databases()) {
      const database = await open(name);
      for (const table of database.objectStoreNames) {
        found[table] = await new Promise((resolve) => {
          const request = database.transaction(table).objectStore(table).getAll();
          request.onsuccess = () => resolve(request.result);
        });
      }
      database.close();
    }
    const show = (_, value) => (value instanceof Map ? [...value.values()] : value);
    return JSON.stringify(found, show);
}"""
"""Script that returns all that IndexedDB has, as JSON."""
CACHED: Final = """async () => {
    const found = {};
    for (const name of await caches.keys()) {
      const kept = await (await caches.open(name)).keys();
      found[name] = kept.map(({ url }) => new URL(url).pathname);
    }
    return found;
}"""
"""Script that returns the addresses in Cache Storage, by cache."""


async def kept(page: Page) -> str:
    """What the page has in IndexedDB."""
    return str(await page.evaluate(KEPT))


async def ready(page: Page, name: str) -> None:
    """Wait until the page would open without the node, and show a product."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await until(page, "navigator.serviceWorker.controller !== null")
    await until(page, f"(await ({KEPT})()).includes({json.dumps(json.dumps(name))})")


async def cut(context: BrowserContext, page: Page) -> None:
    await context.set_offline(True)
    await expect(connection(page)).to_have_text("Offline")


async def mend(context: BrowserContext, page: Page) -> None:
    await context.set_offline(False)
    await expect(connection(page)).to_have_text("Live")
