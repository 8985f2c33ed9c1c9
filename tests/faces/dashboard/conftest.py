"""One browser for all tests of a module; each test opens pages of its own."""

import pytest
from tests.faces.dashboard import browser as browsers


@pytest.fixture(scope="module")
def chromium():
    """Give the browser."""
    with browsers.browser() as started:
        yield started
