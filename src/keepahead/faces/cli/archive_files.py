"""The archive as a file for another one: zstd over JSON lines, a header first. Written and read as a stream."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from keepahead.errors import LedgerFormatError
from keepahead.faces.cli.exits import NotWritten
from keepahead.faces.cli.progress import Tally

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 1
"""Raised when a reader of before could not make sense of the file."""

_LONGEST_LINE = 1 << 27
"""A longer one would be a body of more than a hundred megabytes when it is packed: nothing that Keepa sends."""


class Header(msgspec.Struct, omit_defaults=True):
    """The first line of the file: which format, and of which upstream."""

    keepahead_archive: int
    upstream: str = ""


class Row(msgspec.Struct, frozen=True):
    """One archived item; `body` is compressed by itself, in base64."""

    endpoint: str
    domain: int
    item: str
    contents: str
    fetched_at: datetime
    used_at: datetime
    tokens: int
    call_id: str
    body: bytes


def write_archive(path: Path, upstream: str, rows: Iterable[Mapping[str, Any]], tally: Tally) -> None:
    """Write a file that is not there yet."""
    encode = msgspec.json.Encoder().encode
    with path.open("xb") as file, zstd.ZstdFile(file, "wb", level=1) as packed:
        packed.write(encode(Header(FORMAT, upstream)) + b"\n")
        for row in rows:
            packed.write(encode(row) + b"\n")
            tally.add(1)


class ArchiveFile:
    """A file to be read. Raises LedgerFormatError where it is none of ours, newer than this program, or cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.upstream = next(self._lines(), Header(0)).upstream

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield the rows."""
        lines = self._lines()
        next(lines)
        for row in lines:
            yield msgspec.structs.asdict(row)

    def _lines(self) -> Iterator[Any]:
        """Yield the header, then the rows."""
        name = self._path
        try:
            with zstd.ZstdFile(name, "rb") as packed:
                header = msgspec.json.decode(packed.readline(_LONGEST_LINE), type=Header)
                if header.keepahead_archive > FORMAT:
                    raise LedgerFormatError(
                        f"{name} was written by a newer keepahead (format {header.keepahead_archive}, this one knows "
                        f"{FORMAT}); nothing was taken in. Upgrade keepahead"
                    )
                yield header
                decode = msgspec.json.Decoder(Row).decode
                while line := packed.readline(_LONGEST_LINE):
                    yield decode(line)
        except (zstd.ZstdError, EOFError, msgspec.DecodeError, UnicodeDecodeError):
            raise LedgerFormatError(
                f"{name} is no archive of keepahead's, or is damaged; what was read before the damage is taken in"
            ) from None
        except OSError as error:
            raise NotWritten(f"{name} cannot be read: {error.strerror or error}") from None
