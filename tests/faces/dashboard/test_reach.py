"""The frame and the pages of the account for everybody: enough contrast, and no mouse needed."""

import pytest
from playwright.sync_api import expect
from tests.faces.dashboard.browser import opened
from tests.faces.dashboard.ledgers import fire
from tests.faces.dashboard.reach import contrasts, walk
from tests.faces.gateway.served_gateway import ServedGateway

from keepahead.faces.dashboard.look import DARK, LIGHT

AA = 4.5
"""The least contrast of text that WCAG 2 asks for at level AA."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A served gateway with little left, and for a while: a refill would end the alert."""
    with ServedGateway(tmp_path_factory.mktemp("reach"), "--balance", "15", "--rate", "1") as served:
        with served.client() as client:
            client.get("/api/v1/budget")
        where = served.environment["KEEPAHEAD_DATABASE_URL"], served.environment["KEEPAHEAD_UPSTREAM_URL"]
        fire(*where, "45 tokens are left")
        fire(*where, "15 tokens are left", severity="critical")
        yield served


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_can_be_read(palette):
    """Whatever is written in a colour of the theme stands out from a card and from the page, whatever the state."""
    inks = (palette.text, palette.soft, palette.act, palette.good, palette.warn, palette.bad, palette.external)
    for ground in (palette.card, palette.page):
        assert [ink for ink in inks if ratio(ink, ground) < AA] == []


def ratio(ink: str, ground: str) -> float:
    """The contrast of two colours as WCAG 2 counts it."""
    high, low = sorted((_light(ink), _light(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _light(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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
