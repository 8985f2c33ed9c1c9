"""Who is told, as people write it: mail addresses, URLs, one mail server; a wrong one is named and never shown."""

import re
from pathlib import Path

import pytest

from keepahead import SettingsError
from keepahead.faces.alert_addresses import read_mail_server, split_addresses
from keepahead.faces.alert_channels import channels_of
from keepahead.faces.settings import read_settings
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.channels import Channels
from keepahead.work.alerts.rules import NAMES

SMTP = "smtp://127.0.0.1:1?from=keepahead@example.com"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"


def channels(**settings: str) -> Channels:
    """Return the channels of a gateway with these settings."""
    return channels_of(read_settings(**settings))


def test_who_hears_of_what():
    """The log hears everything; critical alerts go to alert_to, warnings to warn_to, and a place is told once."""
    found = channels(alert_to=f"ann@example.com, {SLACK} ann@example.com", warn_to="bob@example.com", smtp_url=SMTP)
    log, ann, slack = found.heard_by(Severity.CRITICAL)
    assert (log, ann, slack.partition(":")[0]) == ("log", "mail:ann@example.com", "slack")
    assert list(found.heard_by(Severity.WARNING)) == ["log", "mail:bob@example.com"]
    assert {each.name for each in found.every()} == {log, ann, slack, "mail:bob@example.com"}
    assert found.named("mail:eve@example.com") is None
    assert list(channels_of(read_settings(sentry_dsn="http://key@127.0.0.1:9/1")).heard_by(Severity.WARNING)) == [
        "log",
        "sentry",
    ]


def test_a_list_in_toml():
    """keepahead.toml takes a list of addresses as well as one text."""
    Path("keepahead.toml").write_text(f'alert_to = ["ann@example.com", "{SLACK}"]\nsmtp_url = "{SMTP}"')
    assert len(channels().heard_by(Severity.CRITICAL)) == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("a@x.de", ("a@x.de",)),
        (" a@x.de,b@x.de , c@x.de\n", ("a@x.de", "b@x.de", "c@x.de")),
        ("slack://a/b/c,discord://d/e", ("slack://a/b/c", "discord://d/e")),
        ("a@x.de,slack://a/b/c", ("a@x.de", "slack://a/b/c")),
        ("mailto://h.de?to=a@x.de,b@x.de c@x.de", ("mailto://h.de?to=a@x.de,b@x.de", "c@x.de")),
    ],
)
def test_lists(text, found):
    """Blanks are between addresses; commas too, but for those within a URL."""
    assert split_addresses(text) == found


@pytest.mark.parametrize(
    ("url", "host", "port", "mode"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, "starttls"),
        ("smtps://mail.example.com", "mail.example.com", 465, "ssl"),
        ("smtp://mail.example.com:2525?tls=no", "mail.example.com", 2525, "insecure"),
        ("smtp://localhost", "localhost", 25, "insecure"),
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, "insecure"),
    ],
)
def test_mail_servers(url, host, port, mode):
    """A password never leaves the machine unencrypted, unless that is asked for."""
    found = read_mail_server(url)
    assert (found.host, found.port, found.mode) == (host, port, mode)


def test_who_sends():
    """The sender is from=, else the user if that is an address, else whoever is told; no password is ever shown."""
    server = read_mail_server("smtp://ann%40x.de:p%2Fw%40@mail.example.com")
    assert (server.user, server.password) == ("ann@x.de", "p/w@")
    assert "p/w@" not in repr(server)
    assert server.to("bob@x.de")["from_addr"] == "ann@x.de"
    assert read_mail_server("smtp://ann:pw@mail.example.com").to("bob@x.de")["from_addr"] == "bob@x.de"
    named = read_mail_server("smtp://ann%40x.de:pw@mail.example.com?from=eve@x.de")
    assert named.to("bob@x.de")["from_addr"] == "eve@x.de"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alert_to": "ann@example.com"}, "ann@example.com needs a mail server: set KEEPAHEAD_SMTP_URL"),
        ({"alert_to": "ann@x.de bob-verysecret", "smtp_url": SMTP}, "address 2 of KEEPAHEAD_ALERT_TO cannot be used"),
        ({"warn_to": "slack://verysecret"}, "the address in KEEPAHEAD_WARN_TO cannot be used: slack://…"),
        ({"warn_to": "slak://verysecret"}, "did you mean slack://?"),
        ({"smtp_url": "mail.example.com"}, "the mail server in KEEPAHEAD_SMTP_URL cannot be used: it must look like"),
        ({"smtp_url": "smtp://ann:very/secret@mail.example.com"}, "%2F"),
        ({"smtp_url": "smtp://ann:verysecret@[mail"}, "it must look like"),
        ({"smtp_url": "smtp://mail.example.com?password=verysecret"}, "and not password="),
        ({"smtp_url": "smtp://mail.example.com?from=verysecret"}, "from= is no mail address"),
        ({"smtp_url": "smtp://mail.example.com?tls=maybe"}, "tls= can only be no"),
        ({"smtp_url": "smtp://mail.example.com:99999"}, "it must look like"),
    ],
)
def test_what_cannot_be_used(settings, words):
    """A wrong address is an error at the start, which names it by its place, says why, and holds no secret."""
    with pytest.raises(SettingsError) as caught:
        channels(**settings)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert str(caught.value).count(caught.value.name) >= 1


def test_the_page_names_every_rule():
    """The page on alerts has a row for each rule there is, and for no other."""
    page = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    table = page.split("## What is watched")[1].split("##")[0]
    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE) == list(NAMES)
