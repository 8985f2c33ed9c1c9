"""Words of a title as Keepa's finder reads them: whole words, quotes for a phrase, -word for one that must not be."""

import html
import re

_PART = re.compile(r'-?"[^"]+"|\S+')
_OTHER = re.compile(r"[\W_]+")


class Words:
    """The words that a title must hold, and those that it must not; each lower case, a phrase with single spaces."""

    __slots__ = ("unwanted", "wanted")

    def __init__(self, text: str) -> None:
        parts = _PART.findall(text)
        self.wanted = frozenset(filter(None, (_plain(part) for part in parts if not part.startswith("-"))))
        self.unwanted = frozenset(filter(None, (_plain(part) for part in parts if part.startswith("-"))))

    def fit(self, title: str) -> bool:
        """Say whether a title, which may hold HTML entities, has all that are wanted and none of the others."""
        spaced = f" {_plain(html.unescape(title))} "
        held = (f" {word} " in spaced for word in self.wanted)
        return all(held) and not any(f" {word} " in spaced for word in self.unwanted)


def _plain(text: str) -> str:
    return _OTHER.sub(" ", text.casefold()).strip()
