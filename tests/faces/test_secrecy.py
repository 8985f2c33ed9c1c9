"""The key is in nothing that any command prints or keeps, on any road."""

import pytest
from tests.faces.conftest import KEY

ASIN = "B0D8W1YVBX"
COMMANDS = [
    ["status"],
    ["product", ASIN, "--no-history"],
    ["product", "B0D8W1YVB"],
    ["product", ASIN, "--offers", "20", "--max-tokens", "1"],
    ["search", "coffee", "--asins-only"],
    ["category", "0"],
    ["seller", "AAAAAAAAAAAAA0"],
    ["ledger"],
    ["ledger", "--by", "endpoint"],
    ["doctor"],
    ["estimate", "GET", f"/product?domain=1&asin={ASIN}&key={KEY}"],
    ["estimate", "GET", f"/product?domain=1&asin={ASIN}&key={KEY}&key={KEY}"],
    ["estimate", "GET", f"https://api.keepa.com/product?domain=1&KEY={KEY}"],
    ["estimate", "GET", f"/{KEY}"],
    ["discover", "--rank", "1..50", "--plan"],
]


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("arguments", COMMANDS)
def test_no_command_shows_the_key(cli, monkeypatch, tmp_path, arguments, json):
    """Nothing printed and no file written holds the key, well or not."""
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    ended = cli(*arguments, *(["--json"] if json else []))
    assert KEY not in ended.out
    assert KEY not in ended.err
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "said",
    [
        (400, b'{"error":{"type":"x","message":"No PATH","details":"PATH"}}'),
        (500, b"PATH"),
        (200, b'{"products": "PATH"'),
        (200, b'{"products": "PATH"}'),
        (302, b"PATH"),
    ],
)
def test_no_answer_brings_the_key_back(cli, answers, monkeypatch, tmp_path, said):
    """A server that repeats the whole request in its answer cannot make us print or keep the key."""
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    answers(said)
    ended = cli("product", ASIN, "--json")
    assert ended.code == 1
    assert KEY not in ended.out + ended.err
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "https://no-such-host.invalid"])
def test_no_failed_connection_shows_the_key(cli, monkeypatch, url):
    """Neither does a connection that never came about."""
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", url)
    for arguments in (["product", ASIN], ["status"], ["doctor"]):
        ended = cli(*arguments)
        assert ended.code == 1
        assert KEY not in ended.out + ended.err
