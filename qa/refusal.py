"""Whether a text refuses to answer, in whatever words a model or another system does so.

>>> reads_as_declined("The articles do not say."), reads_as_declined("Nobody does not say so.")
(True, False)
"""

import re

_SOURCES = r"(?:articles?|passages?|sources?|context|documents?|texts?|information|evidence)"
_DECLINES = re.compile(
    rf"""\W*(?:answer:\s*)?(?:unfortunately,?\s+|(?:i['’]m\s+|i\s+am\s+)?sorry,?\s+(?:but\s+)?)?(?:based\s+on\s+.{{0,60}}?,\s*)?(?:
      no[\s_]answer\W*$
      |(?:n/a|unknown|not\s+(?:mentioned|stated|specified|known))\W*$
      |there\s+is\s+no\s+mention\b
      |(?:the|this)\s+question\s+can(?:not|['’]t)\s+be\s+answered\b
      |it\s+is\s+(?:unclear|not\s+clear)\s+from\s+(?:the|these)\s+\w*\s?{_SOURCES}
      |empty\s+response\W*$
      |(?:(?:the|these|those|any\s+of\s+the)\s+)?(?:(?:given|provided|available|retrieved)\s+)?{_SOURCES}
        (?:\s+(?:given|provided|above|available))?\s+(?:do(?:es)?\s+not|don['’]t|doesn['’]t|did\s+not)\s
        (?:\w+\s+)?(?:say|mention|contain|provide|answer|state|specify|include|give|support|indicate)
      |none\s+of\s+the\s+(?:\w+\s+)?{_SOURCES}\s
      |i\s+(?:do\s+not|don['’]t)\s+(?:have|know)(?:\W*$|\s+(?:the|enough|any|if|whether|based|from)\b)
      |i(?:['’]m|\s+am|\s+was)?\s+(?:cannot|can['’]t|could\s+not|couldn['’]t|unable\s+to)\s
        (?:answer|find|determine|provide|tell)
      |(?:there\s+is\s+)?(?:no|not\s+enough|insufficient)\s+(?:\w+\s+)?(?:information|context)
        (?:\W*$|\s+(?:to\s+answer|to\s+determine|in\s+the\s+\w*\s?{_SOURCES})\b)
      |there\s+is\s+(?:no|not\s+enough|insufficient)\s+(?:\w+\s+)?information\b
      |it\s+is\s+not\s+(?:possible\s+to\s+(?:answer|determine|say)|stated|mentioned|specified)\b
      |unable\s+to\s+(?:answer|determine)
    )""",
    re.I | re.X,
)
# What may follow a refusal: what the sources hold instead.
_INSTEAD = re.compile(
    rf"\W*(?:they|it|(?:the|these|those)\s+(?:\w+\s+)?{_SOURCES})\s+(?:only\s+|mainly\s+|instead\s+)?"
    r"(?:speaks?|discuss(?:es)?|mentions?|describes?|focus(?:es)?|talks?|covers?|deals?)\b",
    re.I,
)
_ANYWAY = re.compile(
    r"(?<!sorry, )(?<!sorry )\b(?:but|yet|however|although|though|nevertheless)\b", re.I
)
_BORDER = re.compile(r"(?<=[.!?])\s+")


def reads_as_declined(text: str) -> bool:
    """Whether a text refuses to answer, for systems that do not say so themselves.

    Its first sentence must open with a refusal, and what follows must not answer after all.
    """
    sentences = _BORDER.split(text.strip())
    if not _DECLINES.match(sentences[0]) or _ANYWAY.search(text):
        return False
    return all(_DECLINES.match(said) or _INSTEAD.match(said) for said in sentences)
