"""Write docs/reference/settings.md from ``useby.settings`` (``make docs``)."""

from pathlib import Path

from pydantic import SecretStr

from useby.settings import Settings

PAGE = Path(__file__).parent / "reference" / "settings.md"
HEAD = """# Settings

`make docs` generates this page from `useby.settings`. Set a variable in the environment or in
`.env`. `useby serve` accepts some settings as options, which override the variables. Durations are
in seconds and sizes in bytes unless the name contains another unit. Separate the items of a list by
commas.

| variable | default | |
|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        default_text = (
            "" if default in (None, "") or isinstance(default, SecretStr) else f"`{default}`"
        )
        text = " ".join((field.description or "").split()).replace("``", "`")
        lines.append(f"| `USEBY_{name.upper()}` | {default_text} | {text} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
