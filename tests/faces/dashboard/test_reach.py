"""The frame and the pages of the account for everybody: enough contrast, and no mouse needed."""

import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import opened
from tests.faces.dashboard.ledgers import fire
from tests.faces.dashboard.reach import contrasts, walk
from tests.faces.gateway.served_gateway import ServedGateway

AA = 4.5
"""The least contrast of text that WCAG 2 asks for at level AA."""


@pytest.fixture(scope="module", params=["15", "45", "900"])
def gateway(request, tmp_path_factory):
    """A served gateway: critical, low, and well."""
    with ServedGateway(tmp_path_factory.mktemp("reach"), "--balance", request.param) as served:
        with served.client() as client:
            client.get("/api/v1/budget")
        where = served.environment["KEEPAHEAD_DATABASE_URL"], served.environment["KEEPAHEAD_UPSTREAM_URL"]
        fire(*where, "45 tokens are left")
        fire(*where, "15 tokens are left", severity="critical")
        yield served


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_and_keyboard(chromium, gateway, theme):
    """Every text stands out from what is behind it, and Tab reaches every control, which then is named and seen."""
    for path in ("/", "/balance"):
        with opened(chromium, gateway.base, gateway.key, theme=theme, path=path) as (page, _):
            expect(page.get_by_text("Critical: 15 tokens are left")).to_be_visible()
            found = contrasts(page)
            assert len(found) > 15
            assert [each for each in found if each["ratio"] < AA] == []
            missed, reached = walk(page)
            assert missed == set()
            assert [each for each in reached if not (each["isSeen"] and each["name"])] == []
            assert [each["name"] for each in reached][:3] == ["Skip to the page", "keepahead", "Now"]


def test_controls_are_large_enough_for_a_finger(chromium, gateway):
    """On a phone each control is at least 40 pixels high."""
    for path in ("/", "/balance"):
        with opened(chromium, gateway.base, gateway.key, size="phone", path=path) as (page, _):
            for control in page.locator("a[href]:visible, button:visible").all():
                box = control.bounding_box()
                is_apart = box is None or box["x"] < 0  # there only once the focus is on it
                assert is_apart or box["height"] >= 40, control.inner_text()
