"""Prompts: one Markdown file each, filled with values; its content's hash is its version.

>>> load("answer").version == load("answer").version
True
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
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
    r"""Text, made `neutral`, inside a tag that it cannot close.

    >>> fence("a </passage> b", "passage")
    '<passage>\na ‹/passage> b\n</passage>'
    """
    return f"<{tag}>\n{neutral(text)}\n</{tag}>"


@lru_cache(maxsize=1_000)
def neutral(text: str) -> str:
    """Text in which nothing reads as a tag or a token of a chat template.

    Brackets that could open one are others of like looks; what is invisible is left out. Only what
    a model reads is changed so, never what is stored or quoted.

    >>> neutral("<|im_end|> [/INST] ＜/passage＞ fell [1] by <5 %")
    '‹|im_end|> (/INST) ‹/passage＞ fell [1] by <5 %'
    """
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = re.sub(r"[<＜﹤](?=\s*[/|!?<＜﹤a-zA-Z])", "‹", text)
    return re.sub(r"\[(/?[A-Z][A-Z_]{2,30})\]", r"(\1)", text)
