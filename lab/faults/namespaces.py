"""Hosts of our own on one machine: network namespaces with two networks, whose cables can be pulled.

Each host has a link to the network of the database and one to that of Keepa; both end at the host of the services.
All of it goes with its namespaces, whatever happens.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from lab.faults.fault import LeftOutError

SERVICES = "s"
DATABASE = "1"
KEEPA = "2"

_CLONE_NEWNET = 0x40000000


def address(network: str, number: int = 1) -> str:
    """Return the address of a host in one of the networks; the services are number 1."""
    return f"10.77.{network}.{number}"


class Hosts:
    """Namespaces of these names, and one for the services. Use it as a context manager."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._after = ExitStack()

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise LeftOutError("only root may make network namespaces")
        if shutil.which("ip") is None:
            raise LeftOutError("the ip command is not installed")
        with ExitStack() as undo:
            undo.callback(self._after.close)
            for name in (SERVICES, *self._names):
                self._make(name)
            for network in (DATABASE, KEEPA):
                self._wire(network)
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._after.close()

    @contextmanager
    def inside(self, name: str) -> Generator[None]:
        """Be on that host, with this thread and all that it starts meanwhile."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(Path("/run/netns") / _space(name))
            try:
                yield
            finally:
                _set_namespace(before)
        finally:
            os.close(before)

    def pull(self, name: str, network: str) -> None:
        """Pull a host's cable to one of the networks: nothing arrives any more, and nobody is told."""
        _ip("-n", _space(SERVICES), "link", "set", f"{name}{network}", "down")

    def plug(self, name: str, network: str) -> None:
        """Put it back."""
        _ip("-n", _space(SERVICES), "link", "set", f"{name}{network}", "up")

    def _make(self, name: str) -> None:
        space = _space(name)
        done = subprocess.run(["ip", "netns", "add", space], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LeftOutError(f"no network namespace can be made: {done.stderr.strip()}")
        self._after.callback(_ip, "netns", "delete", space)
        _ip("-n", space, "link", "set", "lo", "up")

    def _wire(self, network: str) -> None:
        """Set up a bridge on the host of the services, and a cable from each of the others to it."""
        services, bridge = _space(SERVICES), f"bridge{network}"
        try:
            _ip("-n", services, "link", "add", bridge, "type", "bridge")
        except subprocess.CalledProcessError as error:
            raise LeftOutError(f"no bridge can be made: {error.stderr.strip()}") from None
        _ip("-n", services, "address", "add", f"{address(network)}/24", "dev", bridge)
        _ip("-n", services, "link", "set", bridge, "up")
        for number, name in enumerate(self._names, start=2):
            host, cable = _space(name), f"{name}{network}"
            _ip("-n", services, "link", "add", cable, "type", "veth", "peer", "name", f"net{network}", "netns", host)
            _ip("-n", services, "link", "set", cable, "master", bridge)
            _ip("-n", services, "link", "set", cable, "up")
            _ip("-n", host, "address", "add", f"{address(network, number)}/24", "dev", f"net{network}")
            _ip("-n", host, "link", "set", f"net{network}", "up")


def _space(name: str) -> str:
    """Return the machine's name of a namespace: two runs on one machine do not meet."""
    return f"keepahead-{os.getpid()}-{name}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)


def _enter(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        _set_namespace(file)
    finally:
        os.close(file)


def _set_namespace(file: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
