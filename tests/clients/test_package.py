"""The client package alone: it needs no package of the server, and exports its public names."""

import ast
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import useby
import useby.client

ROOT = Path(__file__).parents[2]
ALONE = """
import sys

class OnlyWhatItNeeds:
    # websockets and httpx, and what these need themselves
    allowed = {"useby", "websockets", "httpx", "httpcore", "h11", "anyio", "sniffio", "certifi",
               "idna", "typing_extensions"}

    def find_spec(self, name, path=None, target=None):
        top, _, rest = name.partition(".")
        if top == "useby" and rest and not rest.startswith("client"):
            raise ImportError(f"the client imports {name}")
        if top not in self.allowed and top not in sys.stdlib_module_names:
            raise ImportError(f"the client imports {name}")

for name in [name for name in sys.modules if name.partition(".")[0] == "useby"]:
    del sys.modules[name]
sys.meta_path.insert(0, OnlyWhatItNeeds())
import useby
assert not [name for name in sys.modules if name.startswith("useby.")], "useby is not lazy"
from useby import Notifications
from useby.client import Api, SyncRunner
assert Notifications is useby.Notifications is useby.client.Notifications
Notifications("http://127.0.0.1:1", token="t")
"""


def test_the_client_runs_without_the_packages_of_the_server() -> None:
    ran = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_client_extra_names_every_package_that_is_imported() -> None:
    imported = {
        name.partition(".")[0]
        for file in (ROOT / "src" / "useby" / "client").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    asked = {
        each.split(">")[0]
        for each in metadata("useby").get_all("Requires-Dist") or ()
        if "extra == 'client'" in each
    }
    assert imported - set(sys.stdlib_module_names) - {"useby"} == asked


def test_the_public_names_are_these() -> None:
    assert set(useby.client.__all__) == {
        "Account", "AccountChange", "Api", "ApiError", "SyncRunner", "Conflict", "Cursor", "Event",
        "Error",
        "FileCursor", "Forbidden", "Invalid", "MemoryCursor", "NewNotification", "NewProduct",
        "NotFound", "Notification", "Notifications", "Outcome", "Product", "ProductChange",
        "ProductChanged", "Read", "ConnectionRejected", "State", "Timing", "Tokens", "TooMany",
        "Unauthorized", "Unavailable", "FlushInterrupted", "NoResponse", "NotSignedIn",
        "Calendar", "ComingAlert", "DateReading", "ImportReport", "Lot", "LotChange", "Movement",
        "NewLot", "PreconditionFailed", "ProductPut", "Scan", "Stats", "StoredProduct",
            "Policy", "PolicyFields", "Repeat", "SummaryItem",
        "Household", "HouseholdInvitation", "Invited", "Member",
    }  # fmt: skip
    assert set(useby.__all__) - {"__version__"} < set(useby.client.__all__)
    for name in useby.__all__:
        assert getattr(useby, name) is not None


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        useby.nothing  # noqa: B018


def test_the_wheel_has_the_marker_of_typed_packages() -> None:
    files = {each.distribution_path for each in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {"useby/py.typed", "useby/client/__init__.py"} <= files
