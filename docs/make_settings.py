"""Writes docs/reference/settings.md from the settings themselves (``make docs``)."""

from pathlib import Path

from pydantic import SecretStr

from useby.settings import Settings

PAGE = Path(__file__).parent / "reference" / "settings.md"
HEAD = """# Settings

Made by `make docs` from `useby.settings`. Each may stand in the environment or in `.env`; `serve`
takes some as flags, which win. Durations are seconds and sizes bytes unless a name says otherwise;
lists are separated by commas.

| variable | default | |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        shown = "" if default in (None, "") or isinstance(default, SecretStr) else f"`{default}`"
        text = " ".join((field.description or "").split()).replace("``", "`")
        lines.append(f"| `USEBY_{name.upper()}` | {shown} | {text} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
