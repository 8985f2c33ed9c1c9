"""Settings as people get them wrong: the name of the culprit, and never a setting that is silently ignored."""

from pathlib import Path

import pytest

from keepahead import AsyncKeepa, SettingsError
from keepahead.budget.meter import MINUTES_HELD
from keepahead.faces.settings import KEEPA_URL, read_settings
from keepahead.faces.wiring import fingerprint_of, lane_of, upstream_of

KEY = "k" * 64


def test_empty_is_unset(monkeypatch):
    """An empty variable is not set, as containers write it; an empty key means the simulator even beside a .env."""
    Path(".env").write_text(f"KEEPA_API_KEY={KEY}\nKEEPAHEAD_LOW=7\n", encoding="utf-8")
    for name in ("KEEPA_API_KEY", "KEEPAHEAD_FLOOR", "KEEPAHEAD_PACE", "KEEPAHEAD_DATABASE_URL", "KEEPAHEAD_LOW"):
        monkeypatch.setenv(name, "")
    settings = read_settings()
    assert (settings.api_key, settings.floor, settings.pace, settings.low) == (None, 10, None, 50)
    assert settings.database_url.get_secret_value().startswith("sqlite:///")


@pytest.mark.parametrize("name", ["floor", "KEEPAHEAD_FLOOR"])
def test_toml_names(name):
    """keepahead.toml takes a setting by its full name or without the prefix."""
    Path("keepahead.toml").write_text(f"{name} = 25", encoding="utf-8")
    assert read_settings().floor == 25


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("flor = 25", 'did you mean "floor"'),
        ("[keepahead]\nfloor = 25", "no such setting"),
        ("floor = ", "cannot be read: keepahead.toml"),
    ],
)
def test_toml_mistakes(text, told):
    """A name that keepahead.toml gets wrong is an error, not a floor that is silently not there."""
    Path("keepahead.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        read_settings()


def test_the_broken_file_is_named():
    """An .env that is no text is named as the culprit."""
    Path(".env").write_bytes(b"KEEPAHEAD_FLOOR=\xff")
    with pytest.raises(SettingsError, match=r"\.env") as caught:
        read_settings()
    assert caught.value.name == ".env"


@pytest.mark.parametrize("floor", [10**30, -(10**30)])
def test_floors_have_bounds(floor):
    """A floor that no database can hold is refused."""
    with pytest.raises(SettingsError, match="KEEPAHEAD_FLOOR"):
        read_settings(floor=floor)


@pytest.mark.parametrize("url", ["HTTPS://API.Keepa.com", "https://api.keepa.com:443/", " https://api.keepa.com"])
def test_one_account_however_it_is_spelled(url):
    """Another spelling of Keepa's address is the same bucket, so it is the same account, with the same checks."""
    assert upstream_of(read_settings(api_key=KEY, upstream_url=url)) == (KEEPA_URL, KEY)
    with pytest.raises(SettingsError, match="64 letters"):
        upstream_of(read_settings(api_key="too-short", upstream_url=url))


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9/#x", "http://localhost:99999", "http://ex ample", "http://u:p@h", "http://h?key=x", "//h"],
)
def test_urls_that_cannot_be(url):
    """A URL that calls would not reach, or that holds a secret, is refused."""
    with pytest.raises(SettingsError) as caught:
        upstream_of(read_settings(api_key=KEY, upstream_url=url))
    assert caught.value.name == "KEEPAHEAD_UPSTREAM_URL"


@pytest.mark.parametrize("url", ["http://[::1]:8100", "http://127.0.0.1:8100/keepa"])
def test_urls_as_of_a_gateway(url):
    """IPv6 and a path in front are fine, with a slash at the end or without."""
    assert upstream_of(read_settings(upstream_url=url + "/"))[0] == url


@pytest.mark.parametrize("key", ["a b", "kéy", "a&b", "two\nlines", "a/b"])
def test_keys_that_cannot_be(key):
    """A key that looks different in a URL could not be kept out of errors; no key looks like that."""
    with pytest.raises(SettingsError) as caught:
        upstream_of(read_settings(api_key=key, upstream_url="http://localhost:8100"))
    assert key not in str(caught.value)


@pytest.mark.parametrize("proxy", ["ftp://secret@x", "socks4://secret:1", "secret://"])
def test_a_proxy_that_cannot_be(monkeypatch, proxy):
    """A proxy of the environment that cannot be used is named, not shown."""
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(SettingsError, match="HTTP_PROXY") as caught:
        AsyncKeepa(KEY, upstream_url="http://gateway.example")
    assert "secret" not in str(caught.value)


def test_a_proxy_without_a_scheme(monkeypatch):
    """host:port is a proxy, as it is for curl."""
    monkeypatch.setenv("https_proxy", "localhost:3128")
    AsyncKeepa(KEY)


def test_a_floor_of_the_callers_own():
    """The default floor for jobs is at most a quarter of the capacity; one that a caller names is meant as it is."""
    capacity = 20 * MINUTES_HELD
    settings = read_settings(jobs_floor=600)
    assert lane_of(settings, "jobs").floor_of(capacity) == 300
    assert lane_of(settings, "jobs", 600).floor_of(capacity) == 600


def test_accounts_tell_keys_apart():
    """Each key has an account of its own, and a gateway one for each key."""
    names = {fingerprint_of(url, key) for url in (KEEPA_URL, "http://localhost:1") for key in (KEY, "j" * 64)}
    assert len(names) == 4
