"""Sending a notification from the command line."""

import json

from tests.support.cli_result import Useby


def test_a_notification_reaches_its_user(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    said = useby("notify", "ada@example.org", "The fridge is open", "--type", "error")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("ada@example.org was notified (")


def test_a_stored_notification_is_printed_as_json(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    words = ["notify", "ada@example.org", "Gone", "--product", "Milk", "--type", "warning"]
    said = json.loads(useby(*words, "--json").out)
    assert list(said)[:5] == ["id", "message", "type", "productName", "created_at"]
    assert (said["message"], said["type"], said["productName"]) == ("Gone", "warning", "Milk")
    assert (said["seq"], said["event"]) == (1, "custom")


def test_a_message_that_no_database_can_store_is_refused(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    for message in ("", "x" * 1001, "\ud800"):
        said = useby("notify", "ada@example.org", message)
        assert said.status == 2
        assert "MESSAGE" in said.err
