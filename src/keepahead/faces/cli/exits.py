"""How a command ends: the exit code and the sentence for each error."""

from keepahead.errors import InvalidCallError, KeepaheadError, PartialResultError, RefusedError, SettingsError

DONE, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; 130 is the shell's own for Ctrl-C."""

INTERRUPTED_SENTENCE = "interrupted; what was sent stays counted, what was not sent is given back (keepahead ledger)"

_MANY = 5


class Interrupted(KeepaheadError):  # noqa: N818 - a fact
    """The person pressed Ctrl-C after something had been delivered."""


class NotWritten(KeepaheadError):  # noqa: N818 - a fact
    """A file that was asked for could not be written to its end; nothing of it is left."""


class OutputClosed(Exception):  # noqa: N818 - a fact
    """Whoever read stdout has gone away."""


def exit_code_of(error: KeepaheadError) -> int:
    """Return the exit code that an error ends with."""
    match error:
        case PartialResultError():
            return exit_code_of(error.cause)
        case InvalidCallError() | SettingsError():
            return USAGE
        case RefusedError():
            return REFUSED
        case Interrupted():
            return INTERRUPTED
        case _:
            return FAILED


def sentence_of(error: KeepaheadError) -> str:
    """Return what a person is told."""
    if not isinstance(error, PartialResultError):
        return str(error)
    names = ", ".join(error.missing[:_MANY])
    more = len(error.missing) - _MANY
    return f"not delivered: {names}{f' and {more} more' if more > 0 else ''}; {sentence_of(error.cause)}"
