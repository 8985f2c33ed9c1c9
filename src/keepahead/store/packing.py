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

MOST_BYTES = 1 << 30
"""No answer is larger when it is unpacked; what claims to be is damaged."""


class DamagedError(Exception):
    """These bytes are not what was packed."""


def pack(body: bytes) -> bytes:
    """Return the bytes compressed, with their checksum."""
    return zstd.compress(body, options=_OPTIONS)


def unpack(packed: bytes) -> bytes:
    """Return the bytes as they were. Raises DamagedError."""
    try:
        if (zstd.get_frame_info(packed).decompressed_size or 0) > MOST_BYTES:
            raise DamagedError
        return zstd.decompress(packed)
    except (zstd.ZstdError, MemoryError):
        raise DamagedError from None
