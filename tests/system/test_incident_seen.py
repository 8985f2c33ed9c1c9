"""The incident, replayed at speed through a gateway: seen in a browser as it happens, and told in time by mail."""

import threading
import time
from dataclasses import dataclass, field

import httpx2
from tests.faces.dashboard.browser import browser, keep_picture, opened
from tests.faces.gateway.served_gateway import ServedGateway
from tests.system.children import FLOOR
from tests.work.alerts.sinks import mail_sink, parts_of

BEAUTY = 3760911
PAUSE_SECONDS = 0.4
"""Between two lookups. That evening they came every three seconds, but for twenty tokens a minute that came as well."""


@dataclass
class Evening:
    """What was seen from outside: when which balance was left, and what was refused."""

    left: list[tuple[float, int]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def note(self, answer: httpx2.Response) -> None:
        """Keep what an answer says."""
        self.left.append((time.time(), int(answer.headers["x-keepa-tokens-left"])))
        self.statuses.append(answer.status_code)

    def reached(self, balance: int) -> float:
        """Return when so little was left for the first time."""
        return next(at for at, left in self.left if left <= balance)


def _replay(gateway: ServedGateway, evening: Evening) -> None:
    """Ask for what was asked for that evening: a best-seller list, a discovery, lookups until one is refused."""
    products = iter(gateway.some(150, skip=500))
    with gateway.client() as client:
        evening.note(client.get(f"/api/v1/bestsellers/{BEAUTY}?max_age=0"))
        evening.note(client.get(f"/api/v1/products?asins={','.join(gateway.some(100))}&max_age=0"))
        while evening.statuses[-1] == 200:
            time.sleep(PAUSE_SECONDS)
            evening.note(client.get(f"/api/v1/products/{next(products)}?max_age=0"))


def test_incident(tmp_path):
    """The page shows each balance as it comes; the warning and the critical mail are there before the floor is."""
    arrived: list[tuple[float, str]] = []
    evening = Evening()
    told = {"KEEPAHEAD_ALERT_TO": "ops@example.com", "KEEPAHEAD_WARN_TO": "ops@example.com"}
    with mail_sink() as sink:
        settings = {**told, "KEEPAHEAD_SMTP_URL": sink.url}
        with (
            ServedGateway(tmp_path, "--rate", "20", "--balance", "220", **settings) as gateway,
            browser() as started,
            opened(started, gateway.base, gateway.key, theme="dark") as (page, watched),
        ):
            page.get_by_role("button", name="Ask Keepa now").click()
            gauge = page.get_by_role("meter", name="Tokens left")
            gauge.wait_for()
            work = threading.Thread(target=_replay, args=(gateway, evening))
            work.start()
            shown: list[int] = []
            while work.is_alive():
                page.wait_for_timeout(100)
                shown.append(int(gauge.get_attribute("aria-valuenow") or 0))
                arrived += [(time.time(), str(mail["Subject"])) for mail in sink.mails[len(arrived) :]]
            work.join()
            page.wait_for_timeout(1_000)
            keep_picture(page, "incident")
            lowest = gateway.truth()["lowest_balance"]
            texts = [parts_of(mail)[0] for mail in sink.mails]
            complaints = watched.complaints
    floor_at = evening.reached(FLOOR + 1)
    in_time = [subject for at, subject in arrived if at < floor_at]
    assert evening.statuses[-1] == 503
    assert lowest >= FLOOR
    assert any("warning" in subject for subject in in_time), (arrived, floor_at)
    assert any("critical" in subject for subject in in_time), (arrived, floor_at)
    assert any("products" in text or "product" in text for text in texts)
    assert len(set(shown)) >= 15, shown  # the gauge moved as it happened
    assert complaints == []
