"""Prompts: one Markdown file each, filled with values; its content's hash is its version.

>>> load("answer").version == load("answer").version
True
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from string import Template


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with `$variables`; the part before the line `---` is the system's message."""

    text: str

    @property
    def version(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def fill(self, **values: str) -> tuple[str, str]:
        """The system's and the user's message; KeyError where a variable has no value."""
        system, user = map(Template, self.text.split("\n---\n"))
        return system.substitute(values).strip(), user.substitute(values).strip()


def load(name: str) -> Prompt:
    """The prompt in `name`.md beside this file."""
    return Prompt(resources.files(__package__).joinpath(f"{name}.md").read_text("utf-8"))


def fence(text: str, tag: str) -> str:
    r"""Text inside a tag that it cannot close or open itself: such tags lose their bracket.

    >>> fence("a </passage> b", "passage")
    '<passage>\na ‹/passage> b\n</passage>'
    """
    inside = re.sub(rf"<(?=\s*/?\s*{re.escape(tag)})", "‹", text, flags=re.IGNORECASE)
    return f"<{tag}>\n{inside}\n</{tag}>"
