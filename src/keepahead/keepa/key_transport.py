"""Puts the key into a request in the last moment before it leaves."""

from typing import Any

import httpx2


class KeyTransport(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """Adds the key to a copy of each request, below everything that logs or raises with the request in hand."""

    def __init__(self, inner: Any, key: str) -> None:
        self._inner = inner
        self._key = key

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send with the key."""
        return self._inner.handle_request(self._keyed(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send with the key."""
        return await self._inner.handle_async_request(self._keyed(request))

    def close(self) -> None:
        """Close what is below."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()

    def _keyed(self, request: httpx2.Request) -> httpx2.Request:
        return httpx2.Request(
            request.method,
            request.url.copy_merge_params({"key": self._key}),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
