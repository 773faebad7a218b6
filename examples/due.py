"""Print the products due within a week, then each notification as it arrives.

A script without an event loop.
"""

import os

from useby.client import Api, Notifications, SyncRunner

URL = os.environ.get("USEBY_URL", "http://127.0.0.1:8000")

with SyncRunner() as run:
    api = Api(URL)
    run(api.sign_in(os.environ["USEBY_EMAIL"], os.environ["USEBY_PASSWORD"]))
    for product in run.each(api.products(expiring_within=7)):
        print(f"{product.expiry_date}  {product.name}", flush=True)
    for notification in run.each(Notifications(URL, token=api.token)):
        print(notification.message, flush=True)
        run(notification.mark_read())
