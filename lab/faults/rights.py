"""Root may write what is read-only; a process that gives that right up is like any other."""

import ctypes
import os
import struct

_VERSION = 0x20080522
_OVERRIDE = 0b111 << 0
"""The capabilities 0, 1 and 2: to change owners, and to read and write whatever the rights of a file say."""


def obey_rights() -> None:
    """Give up root's right to pass over the rights of files. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = ctypes.create_string_buffer(struct.pack("Ii", _VERSION, 0)), ctypes.create_string_buffer(24)
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    effective, *others = struct.unpack("6I", data.raw)
    data.raw = struct.pack("6I", effective & ~_OVERRIDE, *others)
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
