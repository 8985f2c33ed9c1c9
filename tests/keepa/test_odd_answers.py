"""Answers that are not as they should be: nothing paid for is lost, nothing but our errors comes out."""

import math
import tempfile
from pathlib import Path

import httpx2
import msgspec
import pytest
from tests.house import Canned, House, run
from tests.keepa.envelopes import answer, envelope

from keepahead import BadAnswerError, InvalidCallError, PartialResultError

A, B = "B000000001", "B000000002"
MANY = [f"B0{number:08}" for number in range(150)]


def ask(tmp_path, call, *answers, **options):
    """Make one call of a client that gets these answers after its meter; return the result and the status after it."""
    house = House(Path(tempfile.mkdtemp(dir=tmp_path)))

    async def main():
        async with house.keepa(transport=Canned(answer(left=1000, consumed=0), *answers), **options) as keepa:
            try:
                result = await call(keepa)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
                result = error
            return result, await keepa.status()

    return run(main())


@pytest.mark.parametrize("odd", [None, {"asin": None}])
def test_a_product_that_is_not_there(tmp_path, odd):
    """A null among the products, or one without an ASIN, does not cost the others."""
    result, _ = ask(tmp_path, lambda keepa: keepa.products([A, B]), answer(products=[odd, {"asin": B}]))
    assert [product.asin for product in result] == [B]


def test_null_means_missing(tmp_path):
    """Sellers, categories and deals that are null are missing, as unknown ones are."""
    page = {"domainId": 1, "priceTypes": [0], "dateRange": 1, "page": 0}
    assert ask(tmp_path, lambda k: k.sellers(["A2L77EE7U53NWQ"]), answer(sellers={"A2L77EE7U53NWQ": None}))[0] == {}
    assert ask(tmp_path, lambda k: k.categories([5]), answer(categories={"5": None, "²": {}}))[0] == {}
    assert ask(tmp_path, lambda k: k.deals(page), answer(deals={"dr": [None]}))[0].deals == ()


def test_blanks_around_an_asin(tmp_path):
    """A product that was asked for with blanks around its ASIN is delivered."""
    result, _ = ask(tmp_path, lambda keepa: keepa.products([f" {A} ", A]), answer(products=[{"asin": A}]))
    assert [product.asin for product in result] == [A]


@pytest.mark.parametrize("odd", [{}, [5], [{"asin": 5}]])
def test_one_batch_of_another_shape(tmp_path, odd):
    """A batch that cannot be read does not take those with it that were paid for and can be."""
    first = answer(products=[{"asin": asin} for asin in MANY[:100]])
    call = lambda keepa: keepa.products(MANY)  # noqa: E731
    error, _ = ask(tmp_path, call, first, answer(consumed=50, products=odd), max_concurrency=1)
    assert isinstance(error, PartialResultError)
    assert [product.asin for product in error.results] == MANY[:100]
    assert list(error.missing) == MANY[100:]
    assert isinstance(error.cause, BadAnswerError)
    assert error.cause.tokens_charged == 50
    assert b"tokensLeft" in error.cause.body


def test_bytes_that_are_no_text(tmp_path):
    """Text that is not UTF-8 is an error of ours, wherever it lies."""
    body = msgspec.json.encode(envelope(products=[{"asin": A, "title": "??"}])).replace(b"??", b"\xff\xfe")
    result, _ = ask(tmp_path, lambda keepa: keepa.products([A]), body)
    with pytest.raises(BadAnswerError):
        _ = result[0].title
    assert isinstance(
        ask(tmp_path, lambda keepa: keepa.products([A]), body.replace(A.encode(), b"\xff"))[0], BadAnswerError
    )


def test_a_time_beyond_the_calendar(tmp_path):
    """A time that no calendar holds is unknown."""
    odd = answer(bestSellersList={"asinList": [A], "lastUpdate": 2**60})
    best, _ = ask(tmp_path, lambda keepa: keepa.best_sellers(5), odd)
    assert (best.asins, best.updated_at) == ((A,), None)


@pytest.mark.parametrize("field", ["refillIn", "tokensLeft", "refillRate", "tokenFlowReduction"])
@pytest.mark.parametrize("value", [2**52, -(2**52)])
def test_a_meter_beyond_all_reason(tmp_path, field, value):
    """A meter that no calendar can be projected with is none: it must not spoil the account for ever."""
    odd = answer(**{"products": [{"asin": A}], field: value})
    result, status = ask(tmp_path, lambda keepa: keepa.products([A]), odd)
    assert [product.asin for product in result] == [A]
    assert (status.balance, status.unknown) == (1000, 1)


@pytest.mark.parametrize("body", [b"{}", b'{"status": "ok"}', b"[]", b"null", b"", b"<html>", b"\xef\xbb\xbf{}"])
def test_no_answer_of_keepas(tmp_path, body):
    """Whatever says nothing of tokens is no empty result; what was held counts as charged, on the error too."""
    error, status = ask(tmp_path, lambda keepa: keepa.products([A, B]), body)
    assert isinstance(error, BadAnswerError)
    assert error.tokens_charged == status.unknown == 2


def test_a_graph_that_is_no_picture(tmp_path):
    """JSON in place of a picture is not handed out as one."""
    assert isinstance(ask(tmp_path, lambda keepa: keepa.graph_image(A), answer())[0], BadAnswerError)


@pytest.mark.parametrize("seconds", [math.inf, 1e18, 10**40, 2.5, -3, None])
def test_any_patience(tmp_path, seconds):
    """For ever is as long as it takes; less than nothing is nothing."""
    fine = answer(products=[{"asin": A}])
    result, _ = ask(tmp_path, lambda keepa: keepa.products([A], max_wait_seconds=seconds), fine)
    assert result[0].asin == A


@pytest.mark.parametrize(
    "terms",
    [
        {"max_wait_seconds": math.nan},
        {"max_wait_seconds": "5"},
        {"max_tokens": "5"},
        {"max_tokens": 1.5},
        {"max_tokens": 10**30, "allow_unbounded": True},
    ],
)
def test_terms_that_mean_nothing(tmp_path, terms):
    """Terms that are no number are refused by name, before anything is sent."""
    error, status = ask(tmp_path, lambda keepa: keepa.products([A], **terms))
    assert isinstance(error, InvalidCallError)
    assert error.parameter in terms
    assert status.reserved == 0


def test_http_without_a_body(tmp_path):
    """204, and a redirect that is not followed, are refusals that may have cost something."""
    for status in (204, 301, 500):
        error, after = ask(tmp_path, lambda keepa: keepa.products([A]), httpx2.Response(status))
        assert error.status == status
        assert error.tokens_charged == 1 <= after.unknown
