"""Bytes made small for the archive, with a checksum inside, so that damage is found when they are read."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.checksum_flag: 1,
    zstd.CompressionParameter.compression_level: 1,  # as small as 3 on Keepa's series, and faster both ways
}

MOST_BYTES = 1 << 28
"""No answer is larger when it is unpacked; what claims to be is damaged."""


class DamagedError(Exception):
    """These bytes are not what was packed."""


def pack(body: bytes) -> bytes:
    """Return the bytes compressed, with their checksum."""
    return zstd.compress(body, options=_OPTIONS)


def unpack(packed: bytes) -> bytes:
    """Return the bytes as they were. Raises DamagedError.

    What comes from a file of somebody else's may be made to fill the memory: it is one frame that says its size, as
    `pack` writes it, or it is damaged.
    """
    try:
        size = _size_of(packed)
        if size is None or size > MOST_BYTES:
            raise DamagedError
        frame = zstd.ZstdDecompressor()
        body = frame.decompress(packed, max_length=size + 1)  # so that its end, with the checksum, is read as well
    except (zstd.ZstdError, MemoryError):
        raise DamagedError from None
    if len(body) != size or not frame.eof or frame.unused_data:
        raise DamagedError
    return body


def _size_of(packed: bytes) -> int | None:
    """Return how large a frame says that it is; None if it does not say, which the types of the library leave out."""
    return zstd.get_frame_info(packed).decompressed_size
