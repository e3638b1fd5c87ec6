"""Two names in one column: told apart by their capitals, by a comma, or by the order that the header says."""

from __future__ import annotations

from services.grading.domain.roster_columns import fold

PARTICLES = {
    "de", "du", "des", "d", "la", "le", "les", "von", "van", "der", "den", "da", "das", "dos", "di", "el", "al", "ben",
}  # fmt: skip


def split(text: str, header: str) -> tuple[str, str] | None:
    """Last name and first name; ``None`` when it is anybody's guess.

    In "DA SILVA Louise-Marie" and "Louise-Marie DA SILVA" the capitals tell; particles may be small. Otherwise two
    words in the order the header names ("Nom Prénom") are one each; of three, nobody knows where the first name begins.
    """
    if text.count(",") == 1:
        last, first = (part.strip() for part in text.split(","))
        return (last, first) if last and first else None
    words = text.split()
    capitals = _leading_capitals(words)
    if 0 < capitals < len(words) and not any(_capital(word) for word in words[capitals:]):
        return " ".join(words[:capitals]), " ".join(words[capitals:])
    start = next((at for at in range(len(words)) if _leading_capitals(words[at:]) == len(words) - at), len(words))
    if 0 < start < len(words) and not any(_capital(word) for word in words[:start]):
        return " ".join(words[start:]), " ".join(words[:start])
    if len(words) == 2:
        match fold(header).split()[:1]:
            case ["nom" | "last" | "name" | "surname"]:
                return words[0], words[1]
            case ["prenom" | "first"]:
                return words[1], words[0]
    return None


def _leading_capitals(words: list[str]) -> int:
    """How many words from the first make up a name in capitals."""
    end = 0
    for at, word in enumerate(words, start=1):
        if _capital(word):
            end = at
        elif fold(word).split()[:1] and not all(part in PARTICLES for part in fold(word).split()):
            break
    return end


def _capital(word: str) -> bool:
    """Written all in capitals; an initial is not, it may be of a first name."""
    letters = [char for char in word if char.isalpha()]
    return len(letters) > 1 and all(char == char.upper() and char != char.lower() for char in letters)
