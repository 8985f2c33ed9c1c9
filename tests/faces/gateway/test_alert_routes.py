"""`/api/v1/alerts`: everybody may look, an admin may silence and test; what fires is told and shown."""

import pytest
from tests.gateway_house import GatewayHouse
from tests.house import KEY, run
from tests.work.alerts.sinks import free_port, mail_sink, parts_of, webhook_sink

from keepahead import SettingsError
from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.settings import read_settings
from keepahead.work.alerts.rules import NAMES

ALERTS = "/api/v1/alerts"
SILENCES = f"{ALERTS}/silences"


def test_what_stands(tmp_path):
    """Every key sees all rules, what they fire at, and every channel by a name that is no secret."""

    async def main():
        settings = {"alert_to": "json://user:very-secret@127.0.0.1:1/very-secret", "low": 80}
        async with GatewayHouse(tmp_path).opened(**settings) as house, house.client("read") as client:
            return await client.get(ALERTS)

    answer = run(main())
    told = answer.json()
    assert [rule["rule"] for rule in told["rules"]] == list(NAMES)
    low = next(rule for rule in told["rules"] if rule["rule"] == "low")
    assert (low["state"], low["threshold"], low["severity"], low["alarms"]) == ("ok", 80, "warning", [])
    assert (told["silences"], told["deliveries"], told["waiting"]) == ([], [], 0)
    assert [name.rpartition(":")[0] for name in told["channels"][1:]] == ["json:127.0.0.1"]
    assert "secret" not in answer.text


def test_what_fires_is_shown_and_delivered(tmp_path):
    """A balance that is low fires; what was told to whom is on the list, and what could not be with its reason."""

    async def main():
        settings = {"warn_to": f"json://127.0.0.1:{free_port()}/very-secret"}
        async with GatewayHouse(tmp_path, balance=25).opened(**settings) as house, house.client() as client:
            await client.get("/api/v1/products/B0D8W1YVBX")
            await house.clock.sleep_async(10)
            return (await client.get(ALERTS)).json()

    told = run(main())
    low = next(rule for rule in told["rules"] if rule["rule"] == "low")
    assert low["state"] == "firing"
    assert low["alarms"][0]["is_told"]
    of_low = {each["channel"].partition(":")[0]: each for each in told["deliveries"] if each["rule"] == "low"}
    assert of_low["log"]["state"] == "delivered"
    assert of_low["json"]["state"] == "waiting"
    assert "refused" in of_low["json"]["failure"]
    assert "secret" not in str(told)


def test_a_silence(tmp_path):
    """A silence holds for its time, nobody is told meanwhile, and it can be taken back once."""

    async def main():
        async with GatewayHouse(tmp_path, balance=25).opened() as house, house.client("admin") as client:
            made = await client.post(SILENCES, json={"rule": "low", "lasts": "2h", "words": "a test"})
            assert made.status_code == 201
            silence = made.json()["silence"]
            assert (silence["rule"], silence["words"], silence["ends_in_seconds"]) == ("low", "a test", 7200)
            await client.get("/api/v1/products/B0D8W1YVBX")
            await house.clock.sleep_async(10)
            told = (await client.get(ALERTS)).json()
            assert told["silences"] == [silence | {"ends_in_seconds": told["silences"][0]["ends_in_seconds"]}]
            low = next(rule for rule in told["rules"] if rule["rule"] == "low")
            assert (low["state"], low["silenced_until"]) == ("firing", silence["until"])
            assert "low" not in {each["rule"] for each in told["deliveries"]}
            one = f"{SILENCES}/{silence['silence_id']}"
            assert (await client.delete(one)).json() == {"removed": silence["silence_id"]}
            assert (await client.delete(one)).status_code == 404
            assert (await client.get(ALERTS)).json()["silences"] == []

    run(main())


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "lasts"),
        ({"lasts": "soon"}, "lasts"),
        ({"lasts": "0s"}, "lasts"),
        ({"lasts": "900000d"}, "lasts"),
        ({"lasts": 7200}, "lasts"),
        ({"lasts": "2h", "rule": "lo"}, "rule"),
        ({"lasts": "2h", "words": "two\nlines"}, "words"),
        ({"lasts": "2h", "subject": "a\u0000b"}, "subject"),
        ({"lasts": "2h", "until": "tomorrow"}, "until"),
    ],
)
def test_silences_that_cannot_be(tmp_path, body, parameter):
    """A wrong wish is refused by the name of what is wrong, and silences nothing."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("admin") as client:
            refused = await client.post(SILENCES, json=body)
            return refused, (await client.get(ALERTS)).json()["silences"]

    refused, silences = run(main())
    assert refused.status_code == 422
    assert parameter in {error["parameter"] for error in refused.json()["errors"]}
    assert silences == []


@pytest.mark.parametrize("key", ["read", "spend"])
def test_only_an_admin_changes(tmp_path, key):
    """Others are refused, and told how to change that."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(key) as client:
            asked = (
                client.post(SILENCES, json={"lasts": "2h"}),
                client.delete(f"{SILENCES}/1"),
                client.post(f"{ALERTS}/test"),
            )
            return [await each for each in asked]

    for refused in run(main()):
        assert refused.status_code == 403
        assert refused.json()["type"] == "/problems/not-allowed"


def test_a_test_of_every_channel(tmp_path):
    """A test message goes everywhere at once; each channel says for itself how it went."""

    async def main(*addresses: str, smtp: str):
        settings = {"alert_to": " ".join(addresses), "smtp_url": smtp}
        async with GatewayHouse(tmp_path).opened(**settings) as house, house.client("admin") as client:
            return (await client.post(f"{ALERTS}/test")).json()["channels"]

    with mail_sink() as mails, webhook_sink() as hook:
        dead = f"json://127.0.0.1:{free_port()}/very-secret"
        told = run(main("ann@example.com", "nobody@example.com", hook.url, dead, smtp=mails.url))
    assert [each["is_delivered"] for each in told] == [True, True, False, True, False]
    assert [each["channel"] for each in told[:3]] == ["log", "mail:ann@example.com", "mail:nobody@example.com"]
    assert "550 there is nobody of that name" in told[2]["failure"]
    assert "refused" in told[4]["failure"]
    assert "secret" not in str(told)
    (mail,) = mails.mails
    assert mail["Subject"] == "[keepahead] test: alerts of keepahead arrive here" == hook.documents[0]["title"]
    text, html = parts_of(mail)
    assert "somebody wanted to know whether this arrives" in text
    assert "somebody wanted to know whether this arrives" in html


def test_a_wrong_address_stops_the_start(tmp_path):
    """A gateway does not start with an address that can tell nobody, and makes no ledger."""
    database = tmp_path / "new.db"
    told = read_settings(api_key=KEY, database_url=f"sqlite:///{database}", alert_to="slack://very-secret")
    with pytest.raises(SettingsError, match="the address in KEEPAHEAD_ALERT_TO cannot be used: slack") as caught:
        open_gateway(told)
    assert "secret" not in str(caught.value)
    assert not database.exists()
