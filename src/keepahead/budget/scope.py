"""What a key of the gateway lets its bearer do."""

from enum import StrEnum


class Scope(StrEnum):
    """READ sees what is there, SPEND may spend tokens too, ADMIN may change rules and keys too. In rising order."""

    READ = "read"
    SPEND = "spend"
    ADMIN = "admin"

    def covers(self, other: "Scope") -> bool:
        """Tell whether this is enough where `other` is asked for. Not to be told by <, which compares letters."""
        rising = list(Scope)
        return rising.index(self) >= rising.index(other)
