"""What arrives: at a real mail server text and HTML, at a real web server the text; and why something does not."""

import logging
import re
import socket
import threading
from collections.abc import Iterator

import pytest
from tests.work.alerts.letters import AT, alert
from tests.work.alerts.sinks import PASSWORD, free_port, mail_sink, parts_of, silent_server, webhook_sink

from keepahead.faces.alert_addresses import read_mail_server
from keepahead.work.alerts.address import AddressError, read_address
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.message import TEST, message_of
from keepahead.work.alerts.target import Target
from keepahead.work.alerts.threads import OwnThreads


def target(text: str, server: str | None = None) -> Target:
    """Return what tells this address."""
    return Target(read_address(text, read_mail_server(server) if server else None))


class Ear(logging.Handler):
    """Hears what would be written, as the gateway writes it: the root takes warnings from all, and more from us."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Everything that anybody says while something is sent."""
    ear, root = Ear(), logging.getLogger()
    root.addHandler(ear)
    yield ear.words
    root.removeHandler(ear)


def test_a_mail_arrives_as_text_and_html():
    """A mail has the subject, the whole text, and the same as HTML; nothing in it is loaded from elsewhere."""
    with mail_sink() as sink:
        assert target("ann@example.com", sink.url).send(alert(), AT) == ""
    (mail,) = sink.mails
    told = message_of(alert(), AT)
    assert (mail["To"], mail["From"]) == ("ann@example.com", "keepahead@example.com")
    assert mail["Subject"] == told.subject == "[keepahead] critical: 18 tokens are left; critical is below 20"
    text, html = parts_of(mail)
    assert [line.rstrip() for line in text.splitlines() if line] == [line for line in told.text.splitlines() if line]
    assert html.replace("\r\n", "\n").strip() == told.html.strip()
    assert not re.search(r"src=|href=|https?:", html)


def test_a_webhook_is_sent_the_text():
    """A webhook is sent a JSON document: the subject, the whole text, and how bad it is."""
    with webhook_sink() as sink:
        assert target(sink.url).send(alert(), AT) == ""
        assert target(sink.url).send(alert(severity=Severity.WARNING), AT) == ""
        assert target(sink.url).send(alert(is_over=True), AT) == ""
        assert target(sink.url).send(alert(rule=TEST), AT) == ""
    told = message_of(alert(), AT)
    assert sink.documents[0]["title"] == told.subject
    assert sink.documents[0]["message"].strip() == told.text.strip()
    assert [document["type"] for document in sink.documents] == ["failure", "warning", "success", "info"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the sink's
def test_a_mail_server_that_asks_for_a_password():
    """User and password reach the server as they are meant; a wrong password is told as the server says it."""
    with mail_sink(asks_for_password=True) as sink:
        good = f"smtp://ann%40example.com:open-sesame%2F7%40@127.0.0.1:{sink.port}"
        assert target("bob@example.com", good).send(alert(), AT) == ""
        bad = good.replace("sesame", "barley")
        why = target("bob@example.com", bad).send(alert(), AT)
    assert set(sink.users) == {"ann@example.com"}
    assert sink.mails[0]["From"] == "ann@example.com"
    assert "535" in why
    assert "barley" not in why
    assert PASSWORD not in why


def test_why_a_mail_does_not_arrive():
    """A server that is not there, one without encryption, and one that refuses the address are told apart."""
    dead = target("ann@example.com", f"smtp://127.0.0.1:{free_port()}").send(alert(), AT)
    assert "127.0.0.1" in dead
    assert "Connection refused" in dead
    with mail_sink() as sink:
        refused = target("nobody@example.com", sink.url).send(alert(), AT)
        assert '"nobody@example.com" failed: 550 there is nobody of that name' in refused
        encrypted = f"smtps://ann:secret-word@127.0.0.1:{sink.port}"
        assert "SSL" in target("ann@example.com", encrypted).send(alert(), AT)
    assert sink.mails == []


def test_why_a_webhook_does_not_arrive(said):
    """What a web server answers is told, and nothing that any library says shows the path, which is a secret."""
    with webhook_sink() as sink:
        sink.status = 404
        refused = target(sink.url).send(alert(), AT)
        url = sink.url
    assert "404" in refused
    gone = target(url).send(alert(), AT)
    assert "Connection refused" in gone
    with silent_server() as port:
        slow = target(f"json://127.0.0.1:{port}/very-secret-path?rto=0.2").send(alert(), AT)
    assert "timed out" in slow
    for words in (refused, gone, slow, *said):
        assert "secret" not in words


@pytest.mark.parametrize(
    ("text", "server", "words"),
    [
        ("ann@example.com", None, "ann@example.com needs a mail server: set KEEPAHEAD_SMTP_URL=smtp://"),
        ("ann", None, "it is neither a mail address nor a URL such as slack://…"),
        ("nonsense://verysecret", None, "nonsense://…: there is no such kind"),
        ("slak://verysecret", None, "did you mean slack://?"),
        ("slack://verysecret", None, "slack://…: something in it is missing or wrong"),
        ("https://hooks.example.com/verysecret", None, "write jsons://… if it takes JSON"),
        ("json://", None, "json://…: something in it is missing or wrong"),
        ("mailto://ann:verysecret@example.com/not-an-address", None, "mailto://…: something in it is missing"),
        ("workflows://verysecret", None, "workflows://…: something in it is missing or wrong"),
    ],
)
def test_addresses_that_cannot_be_used(text, server, words):
    """What is wrong is said before it is needed, and never shows the address."""
    with pytest.raises(AddressError) as caught:
        target(text, server)
    assert words in str(caught.value)
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mailto://ann:secretword@example.com?to=bob@example.com", "mail:bob@example.com"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "slack:"),
        ("json://user:secretword@hooks.example.com/path", "json:hooks.example.com:"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord:"),
        ("tgram://123456789:AAHsecret_secret_secret_secret_secre/12315544", "tgram:"),
        ("workflows://prod-1.westus.logic.azure.com:443/b7d1b086dd7c4c1a/signature-of-it", "workflows:"),
        ("ntfys://user:secretword@ntfy.example.com/topic", "ntfys:"),
    ],
)
def test_names_show_no_secret(text, name):
    """The name of an address says where it leads as far as that is no secret; so does whatever prints it."""
    address = read_address(text, None)
    shown = f"{address.name} {address!r}"
    assert address.name.startswith(name)
    for secret in ("secret", "TIiajkdnlazkcOXrIdevi7FQ", "JHMHI8qBe7bk2ZwO5U711o3dV_js", "signature", "b7d1b086"):
        assert secret not in shown
    assert "…" in address.without_secrets(f"Max retries exceeded with url: {text}")


def test_it_waits_in_the_thread_that_it_was_given():
    """While a server is silent no other thread waits for it: those of apprise would keep the process from ending."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = target("ann@example.com", f"smtp://127.0.0.1:{server.getsockname()[1]}")
        before = set(threading.enumerate())
        sent = OwnThreads().submit(told.send, alert(), AT)
        connection, _ = server.accept()
        with connection:
            assert [thread.name for thread in set(threading.enumerate()) - before] == ["keepahead alert"]
    assert "closed" in sent.result(20)
