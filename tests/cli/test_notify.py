"""Sending a notification from the command line."""

import json

from tests.support.cli_result import Useby


def test_a_notification_reaches_its_user(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("notify", "ada@example.org", "The fridge is open", "--type", "error")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("ada@example.org was notified (")


def test_a_stored_notification_is_printed_as_json(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    words = ["notify", "ada@example.org", "Gone", "--product", "Milk", "--type", "warning"]
    result = json.loads(useby(*words, "--json").out)
    assert list(result)[:5] == ["id", "message", "type", "productName", "created_at"]
    assert (result["message"], result["type"], result["productName"]) == ("Gone", "warning", "Milk")
    assert (result["seq"], result["event"]) == (1, "custom")


def test_a_message_that_no_database_can_store_is_refused(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    for message in ("", "x" * 1001, "\ud800"):
        result = useby("notify", "ada@example.org", message)
        assert result.status == 2
        assert "MESSAGE" in result.err
