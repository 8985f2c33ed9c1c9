"""Alerts of a real gateway, from a real mail server's side: in time, once, and after a crash."""

import json
import signal
from typing import Any

from tests.faces.gateway.served_gateway import ServedGateway
from tests.work.alerts.sinks import MailSink, free_port, mail_sink, parts_of, silent_server, wait_for

FLOOR = 10
RATE = ("--rate", "5", "--balance", "75")  # little comes back while a test runs


def settings(port: int) -> dict[str, str]:
    """Return what tells ann by mail, of warnings too."""
    return {
        "KEEPAHEAD_SMTP_URL": f"smtp://127.0.0.1:{port}?from=keepahead@example.com",
        "KEEPAHEAD_ALERT_TO": "ann@example.com",
        "KEEPAHEAD_WARN_TO": "ann@example.com",
    }


def spend_below(gateway: ServedGateway, tokens: int) -> int:
    """Spend as the incident did until so few are left, a best-seller list first; return how many."""
    asins = iter(gateway.some(200))
    with gateway.client() as client:
        client.get("/api/v1/bestsellers/283155", params={"deadline": "0"})
        while (left := client.get("/api/v1/budget").json()["balance"]) >= tokens:
            client.get(f"/api/v1/products/{next(asins)}", params={"max_age": "0"}).raise_for_status()
    return left


def deliveries(gateway: ServedGateway, rule: str) -> list[dict[str, Any]]:
    """Return how it went with the mails about a rule."""
    with gateway.client() as client:
        every = client.get("/api/v1/alerts").json()["deliveries"]
    return [each for each in every if each["rule"] == rule and each["channel"].startswith("mail:")]


def about(sink: MailSink, words: str) -> list[Any]:
    """Return the mails that have these words in their subject."""
    return [mail for mail in sink.mails if words in mail["Subject"]]


def logged(gateway: ServedGateway, words: str) -> int:
    """Count the lines of the log that say so."""
    lines = (json.loads(line) for line in gateway.log.read_text().splitlines())
    return sum(words in line["event"] for line in lines)


def test_mails_come_before_the_floor_is_reached(tmp_path):
    """Of the incident people hear while it can still be stopped: low, then critical, each once, as text and HTML."""
    with mail_sink() as sink, ServedGateway(tmp_path, *RATE, **settings(sink.port)) as gateway:
        spend_below(gateway, 50)
        wait_for(lambda: about(sink, "low is below 50"))
        left = spend_below(gateway, 20)
        wait_for(lambda: about(sink, "critical is below 20"))
        assert left > FLOOR
        (mail,) = about(sink, "critical is below 20")
        text, html = parts_of(mail)
        for words in (f"{left} tokens are left", "Who spent most", "bestsellers", "What to do", "keepahead freeze add"):
            assert words in text
            assert words in html
        (warning,) = about(sink, "low is below 50")
        assert warning["Subject"].startswith("[keepahead] warning: ")
        assert mail["Subject"].startswith("[keepahead] critical: ")
        assert gateway.key not in text + html


def test_a_gateway_that_is_killed_loses_no_mail(tmp_path):
    """What fired while the mail server was away is delivered by the next gateway, though the first was killed."""
    port = free_port()
    with ServedGateway(tmp_path, *RATE, **settings(port)) as first:
        spend_below(first, 20)
        wait_for(lambda: any(each["failure"] for each in deliveries(first, "critical")))
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(20)
        with mail_sink(port) as sink, ServedGateway(tmp_path, beside=first) as second:
            wait_for(lambda: about(sink, "critical is below 20"))
            wait_for(lambda: deliveries(second, "critical")[0]["state"] == "delivered")
            assert len(about(sink, "critical is below 20")) == 1
            assert deliveries(second, "critical")[0]["attempts"] >= 2


def test_two_gateways_tell_once(tmp_path):
    """Of two gateways on one ledger one tells of each firing: one mail, and one line in one log."""
    with mail_sink() as sink, ServedGateway(tmp_path, *RATE, **settings(sink.port)) as one:
        with ServedGateway(tmp_path, beside=one) as other:
            spend_below(one, 20)
            for gateway in (one, other):
                wait_for(lambda gateway=gateway: deliveries(gateway, "critical"))
            wait_for(lambda: about(sink, "critical is below 20"))
            wait_for(lambda: deliveries(other, "critical")[0]["state"] == "delivered")
            with other.client() as client:
                client.get("/api/v1/budget").raise_for_status()
        assert len(about(sink, "critical is below 20")) == 1
        assert sum(logged(each, "alert critical: ") for each in (one, other)) == 1


def test_no_call_waits_for_a_mail(tmp_path):
    """While a mail server says no word, calls are answered, and the gateway ends when it is told to."""
    with silent_server() as port, ServedGateway(tmp_path, *RATE, **settings(port)) as gateway:
        spend_below(gateway, 50)
        wait_for(lambda: any(each["attempts"] for each in deliveries(gateway, "low")))
        with gateway.client() as client:
            answer = client.get(f"/api/v1/products/{gateway.some(1, 150)[0]}", params={"max_age": "0"})
        assert answer.status_code == 200
        (under_way,) = deliveries(gateway, "low")
        assert (under_way["state"], under_way["failure"]) == ("waiting", None)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(20) == 0
