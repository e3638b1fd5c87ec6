"""Scripts without what only their readers need: types and comments are a quarter of what a module weighs compressed.

No bundler: a module stays one file with its statements in order.
"""

from __future__ import annotations

import re
from typing import Final

# Behind these a slash begins a regular expression; behind a name, a number or a bracket that closes it divides.
_BEFORE_REGEX: Final = re.compile(
    r"(?:^|[(,=:\[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|await))\s*$"
)
_TOKEN: Final = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<mark>[`{}])
    |(?P<slash>/)
    |(?P<indent>\n\s*)
    |(?P<rest>[^/"'`{}\n]+)""",
    re.DOTALL | re.VERBOSE,
)
_REGEX: Final = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_TEMPLATE: Final = re.compile(r"(?:\\.|\$(?!\{)|[^\\`$])*", re.DOTALL)


def slim(source: str) -> str:
    """The same module without comments and indentation; strings, templates and regular expressions as they were."""
    kept: list[str] = []
    inside: list[str] = []  # open braces: "{", or "${" of a template
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        assert found is not None  # the alternatives take every character
        text, at = found.group(), found.end()
        if found["comment"]:
            text = "" if not kept or kept[-1][-1] in "\n (" else " "
        elif found["indent"]:
            text = "\n"
        elif found["slash"] and _BEFORE_REGEX.search("".join(kept[-4:])):
            regex = _REGEX.match(source, at - 1)
            if regex is not None:
                text, at = regex.group(), regex.end()
        elif text == "{":
            inside.append(text)
        elif text == "`" or (text == "}" and inside and inside.pop() == "${"):
            at = _template(source, at, kept, inside, text)
            continue
        kept.append(text)
    return "".join(kept)


def _template(source: str, at: int, kept: list[str], inside: list[str], begun: str) -> int:
    """The text of a template up to its end or its next ``${``; where to read on."""
    found = _TEMPLATE.match(source, at)
    assert found is not None
    at = found.end()
    kept.append(begun + found.group())
    if source.startswith("${", at):
        kept.append("${")
        inside.append("${")
        return at + 2
    kept.append("`")
    return at + 1
