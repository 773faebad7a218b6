"""Install packages into the environment this runs in: with uv, or with pip where uv fails.

uv takes seconds for what takes pip a minute. It ignores pip's settings, so the index, the
certificates and the proxy that this machine's pip uses are passed on to it.

    .venv/bin/python requirements/install.py --require-hashes -r requirements/run.txt
"""

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent
UV: Final = Path(sys.executable).with_name("uv")
OUTSIDE: Final = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
"""The Python that this environment was made with."""

LISTS: Final = {"extra-index-url": " ", "find-links": ",", "trusted-host": " "}
"""Settings of pip with several values, and uv's separator for each."""

VARIABLES: Final = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "proxy": ("HTTP_PROXY", "HTTPS_PROXY"),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
}
"""pip's name of a setting, and the variables through which uv takes it."""


def pip() -> list[str]:
    """Return the command of a pip that installs into this environment.

    Until build.txt has brought one, that is the outer Python's: ensurepip takes 5 seconds for
    another, and is the last resort.
    """
    options = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, *options]
    outside = [str(OUTSIDE), *options, "--python", sys.executable]
    try:
        subprocess.run([*outside, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        subprocess.run([sys.executable, "-m", "ensurepip"], check=True, capture_output=True)
        return [sys.executable, *options]
    return outside


def settings(listing: str) -> dict[str, str]:
    """Return pip's settings from what ``pip config list`` prints; the environment's win."""
    levels = ("global", "install", ":env:")
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        level, _, name = key.rpartition(".")
        if level in levels:
            rank = levels.index(level)
            if name not in found or rank >= found[name][0]:
                found[name] = (rank, str(ast.literal_eval(value)))
    return {name: value for name, (_, value) in found.items()}


def environment(config: Mapping[str, str], current: Mapping[str, str]) -> dict[str, str]:
    """Return uv's environment: the current one, and pip's settings where it has none of uv's."""
    # Versions and hashes are pinned, so that it does not matter which index has a file first.
    additions = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for name, variables in VARIABLES.items():
        if value := config.get(name):
            value = LISTS[name].join(value.split()) if name in LISTS else value
            additions.update(dict.fromkeys(variables, value))
    if config.get("no-cache-dir"):
        additions["UV_NO_CACHE"] = "1"
    return additions | dict(current)


def install_with_uv(arguments: list[str]) -> bool:
    """Install with uv, which is installed first where it is missing; False if that fails."""
    if not UV.exists():
        command = [*pip(), "install", "--require-hashes", "-r", str(ROOT / "uv.txt")]
        if subprocess.run(command, check=False).returncode:
            return False
    listing = subprocess.run(
        [*pip(), "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    config = settings(listing)
    # There is no variable for this one.
    offline = config.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    flags = ["--no-index"] if offline else []
    return not subprocess.run(
        [UV, "--quiet", "pip", "install", "--python", sys.executable, *flags, *arguments],
        check=False,
        env=environment(config, os.environ),
    ).returncode


def main(arguments: list[str]) -> int:
    """Install; the exit status is pip's where uv fails."""
    # Builds use the tools of build.txt, which are pinned; isolated ones would fetch others.
    arguments = ["--no-build-isolation", *arguments]
    if install_with_uv(arguments):
        return 0
    print("uv could not install this (see above); trying pip ...", file=sys.stderr)
    return subprocess.run([*pip(), "install", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
