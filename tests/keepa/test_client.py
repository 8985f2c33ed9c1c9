"""Both clients from end to end on virtual time: what is sent, what is settled, what the caller gets."""

import asyncio
import inspect
import itertools
import logging
import threading
from datetime import timedelta

import httpx2
import pytest
from tests.house import KEY, START, Canned, House, run
from tests.keepa.envelopes import ALL_ZERO, T0_MS, answer

from keepahead import (
    AsyncKeepa,
    BadAnswerError,
    FinderCall,
    InsufficientTokensError,
    InvalidCallError,
    KeepaRejected,
    KeepaUnreachable,
    LedgerUnavailableError,
    MaxTokensError,
    OutcomeUnknown,
    PartialResultError,
    ProductCall,
    TokenCall,
    UnboundedCostError,
)
from keepahead.budget.entry import Lost, Refusal, Released, Settled
from keepahead.keepa import exchange
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.flow import REQUEUES, Send, Wait
from keepahead.keepa.methods import Methods
from keepahead.simulator import Faults, SteppedClock
from keepahead.store.record import Filter

RECORDED = "B0D8W1YVBX"
ASINS = [f"B0000000{number:02}" for number in range(100)]
TOKEN = {"left": 1000, "consumed": 0}


def lines(house: House, kind: type) -> list:
    """The entries of one kind, oldest first."""
    with house.books() as (_, record):
        return [line.entry for line in record.lines(Filter(), limit=10_000) if isinstance(line.entry, kind)][::-1]


@pytest.fixture
def house(tmp_path) -> House:
    """A house with a full bucket."""
    return House(tmp_path)


def test_a_product(house):
    """A recorded product comes back as it was recorded, and the ledger agrees with Keepa."""

    async def main():
        async with house.keepa() as keepa:
            products = await keepa.products([RECORDED], domain="US")
            return products, await keepa.status()

    products, status = run(main())
    assert products[0].asin == RECORDED
    assert products[0].title.startswith("EQQUALBERRY")
    assert products[0]["rootCategory"] == 3760911
    assert (status.balance, status.reserved, status.unknown) == (house.truth().balance, 0, 0)


def test_asks_for_the_meter_once(tmp_path):
    """The first call of fifty tasks asks /token once; after that every answer is the meter."""
    house = House(tmp_path, balance=500)

    async def main():
        async with house.keepa() as keepa:
            await asyncio.gather(*(keepa.products([asin], max_tokens=1) for asin in ASINS[:50]))

    run(main())
    paths = [line.path for line in house.truth().log]
    assert paths.count("/token") + paths.count("token") == 1
    assert len(paths) == 51


def test_order_and_repeats(house):
    """Results come in the order asked, across batches; one ASIN named twice is paid for once."""
    asked = [*ASINS, RECORDED, *ASINS[:3], "B0F7XPYCSJ"]

    async def main():
        async with house.keepa() as keepa:
            return await keepa.products(asked)

    products = run(main())
    assert [product.asin for product in products] == [*ASINS, RECORDED, "B0F7XPYCSJ"]
    assert house.truth().consumed == 102


def test_every_method(house):
    """One method for each call: each comes back with what it promises, and the account stays right."""

    async def main():
        async with house.keepa() as keepa:
            best = await keepa.best_sellers(3760911)
            assert len(best.asins) > 100
            assert best.category == 3760911
            deals = await keepa.deals({"domainId": 1, "priceTypes": [0], "dateRange": 1, "page": 0})
            assert deals.deals[0]["asin"]
            assert deals.category_counts.keys() == deals.category_names.keys()
            found = await keepa.find({"rootCategory": [3760911], "perPage": 50})
            assert len(found.asins) == 50 < found.total
            assert found.insights is None
            with_stats = await keepa.find(
                {"rootCategory": [3760911], "perPage": 50}, stats=True, allow_unbounded=True, max_tokens=100
            )
            assert with_stats.insights is not None
            assert (await keepa.search("serum", page=0))[0].title
            assert (await keepa.search("serum", page=0, asins_only=True))[0].asin
            assert await keepa.search_categories("beauty")
            assert 3760911 in await keepa.categories([3760911], parents=True)
            sellers = await keepa.top_sellers()
            assert (await keepa.sellers(sellers[:2])).keys() == set(sellers[:2])
            assert (await keepa.sellers(sellers[:1], storefront=True))[sellers[0]]["asinList"]
            assert await keepa.find_sellers({"perPage": 100})
            assert isinstance(await keepa.lightning_deals(RECORDED), list)
            assert (await keepa.graph_image(RECORDED, graph={"width": 400})).startswith(b"\x89PNG")
            codes = (await keepa.products([found.asins[0]]))[0]["eanList"]
            assert await keepa.products_by_code(codes[:1], code_limit=2)
            tracking = {
                "asin": RECORDED,
                "mainDomainId": 1,
                "ttl": 0,
                "updateInterval": 24,
                "thresholdValues": [{"thresholdValue": 1, "domain": 1, "csvType": 0, "isDrop": True}],
            }
            assert (await keepa.track([tracking]))[0]["asin"] == RECORDED
            assert [kept["asin"] for kept in await keepa.trackings()] == [RECORDED]
            assert await keepa.notifications() == []
            await keepa.untrack(RECORDED)
            assert await keepa.trackings() == []
            raw = await keepa.send(TokenCall())
            assert raw.tokens_consumed == 0
            assert keepa.quote(FinderCall(selection={"brand": ["x"]}, domain=1)).tokens_max == 11
            return await keepa.status()

    status = run(main())
    assert status.balance == house.truth().balance
    assert status.unknown in {0, 1}  # a graph image brings no meter: it counts until the next one


def test_sync_is_the_same(tmp_path):
    """The blocking client gives the same products and the same account."""
    house = House(tmp_path, clock=SteppedClock(START))
    with house.keepa_sync() as keepa:
        products = keepa.products([*ASINS, RECORDED])
        assert [product.asin for product in products] == [*ASINS, RECORDED]
        assert keepa.status().balance == house.truth().balance == 1200 - 101


def test_every_sync_method(tmp_path):
    """Each method of the blocking client comes back with what it promises."""
    house = House(tmp_path, clock=SteppedClock(START))
    tracking = {
        "asin": RECORDED,
        "mainDomainId": 1,
        "ttl": 0,
        "updateInterval": 24,
        "thresholdValues": [{"thresholdValue": 1, "domain": 1, "csvType": 0, "isDrop": True}],
    }
    with house.keepa_sync() as keepa:
        assert keepa.best_sellers("3760911").asins
        assert keepa.deals({"domainId": 1, "priceTypes": [0], "dateRange": 1, "page": 0}).deals
        found = keepa.find({"rootCategory": [3760911], "perPage": 50}).asins
        assert keepa.products_by_code(keepa.products(found[:1])[0]["eanList"][:1], code_limit=1)
        assert keepa.search("serum", page=0)
        assert keepa.search_categories("beauty")
        assert keepa.categories([3760911])
        sellers = keepa.top_sellers()
        assert keepa.sellers(sellers[:1])
        assert keepa.find_sellers({"perPage": 50})
        assert keepa.lightning_deals(RECORDED) == []
        assert keepa.graph_image(RECORDED)
        assert keepa.track([tracking])
        assert keepa.trackings()
        assert keepa.notifications() == []
        keepa.untrack(RECORDED)
        assert keepa.send(TokenCall()).reading.meter is not None
        assert keepa.status().balance == house.truth().balance
        assert repr(keepa).startswith("<Keepa at https://api.keepa.com")


def test_sync_waits_for_tokens(tmp_path):
    """The blocking client sleeps until the tokens are there."""
    house = House(tmp_path, balance=15, clock=SteppedClock(START))
    with house.keepa_sync() as keepa:
        keepa.products(ASINS[:20])
    assert house.clock.now() > START + timedelta(seconds=1)
    assert house.truth().lowest_balance >= 10


def test_both_clients_have_the_same_methods():
    """The two lists of methods are equal, word for word, but for async and await."""

    def signature(of: type) -> dict[str, tuple]:
        found = inspect.getmembers(of, inspect.isfunction)
        return {
            name: (str(inspect.signature(each)), each.__doc__)
            for name, each in found
            if not name.startswith("_") or name == "_run"
        }

    assert signature(Methods) == signature(AsyncMethods)


# -- refusals ------------------------------------------------------------------------------------------------


def test_refuse_at_once(tmp_path):
    """With max_wait_seconds=0 a call that does not fit is refused with the numbers, and nothing is sent."""
    house = House(tmp_path, balance=40)

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(InsufficientTokensError) as caught:
                await keepa.best_sellers(3760911, max_wait_seconds=0)
            return caught.value

    error = run(main())
    assert (error.balance, error.free, error.tokens_max, error.floor) == (40, 40, 50, 10)
    assert error.wait_seconds is not None
    assert 0 < error.wait_seconds <= 61
    assert error.call.endpoint == "bestsellers"
    assert house.truth().consumed == 0
    assert [type(entry) for entry in lines(house, Refusal)] == [Refusal]


def test_the_named_wait_is_true(tmp_path):
    """Waiting as long as the refusal says is enough."""
    house = House(tmp_path, balance=-15)

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            with pytest.raises(InsufficientTokensError) as caught:
                await keepa.best_sellers(3760911)
            assert caught.value.wait_seconds is not None
            await house.clock.sleep_async(caught.value.wait_seconds)
            assert (await keepa.best_sellers(3760911)).asins

    run(main())
    assert house.truth().lowest_balance >= -15


def test_a_deadline_that_cannot_be_met(tmp_path):
    """What cannot be had before the deadline is refused at once, not after waiting for it."""
    house = House(tmp_path, balance=20)

    async def main():
        async with house.keepa() as keepa:
            before = house.clock.now()
            with pytest.raises(InsufficientTokensError):
                await keepa.products(ASINS, max_wait_seconds=60)
            assert house.clock.now() - before < timedelta(seconds=1)
            return await keepa.products(ASINS[:20], max_wait_seconds=61)

    assert len(run(main())) == 20


def test_the_whole_is_refused_before_a_part_is_paid(tmp_path):
    """Three hundred products that cannot all be had in time cost nothing, not a hundred."""
    house = House(tmp_path, balance=150)
    many = [f"B{number:09}" for number in range(300)]

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            with pytest.raises(InsufficientTokensError):
                await keepa.products(many)

    run(main())
    assert house.truth().consumed == 0


def test_one_deadline_for_all_batches(tmp_path):
    """`max_wait_seconds` counts from the call of the method, not anew for each of its batches."""
    house = House(tmp_path, balance=130, clock=SteppedClock(START))
    many = [f"B{number:09}" for number in range(200)]

    def slow(step) -> None:
        if isinstance(step, Send) and step.outbound.path == "/product":
            house.clock.sleep(100)  # what others spend meanwhile makes the foresight wrong
            if len(step.outbound.query["asin"]) > 500:
                asyncio.run(drain(house, 100))

    with house.keepa_sync(watch=slow, max_wait_seconds=300) as keepa, pytest.raises(PartialResultError) as caught:
        keepa.products(many)
    assert isinstance(caught.value.cause, InsufficientTokensError)
    assert house.clock.now() - START < timedelta(seconds=420)


def test_never_fits(house):
    """A call bigger than the bucket is refused at once, however long one would wait, and the ways out are named."""

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(InsufficientTokensError, match="Split it") as caught:
                await keepa.send(ProductCall(asins=ASINS, domain=1, offers=100))
            return caught.value

    error = run(main())
    assert (error.tokens_max, error.wait_seconds) == (6000, None)


def test_max_tokens(house):
    """A call that may cost more than the caller allows is not sent; the bounds of all its batches count."""

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(MaxTokensError) as caught:
                await keepa.products([*ASINS, RECORDED], max_tokens=100)
            assert (caught.value.tokens_max, caught.value.max_tokens) == (101, 100)
            with pytest.raises(MaxTokensError):
                await keepa.best_sellers(3760911, max_tokens=49)

    run(main())
    assert house.truth().requests == 0


def test_unbounded(house):
    """A call without a bound is refused with the parameter that would bound it, unless allowed up to a sum."""

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(UnboundedCostError) as caught:
                await keepa.products_by_code(["4006381000000"])
            assert caught.value.parameter == "code-limit"
            assert house.truth().requests == 0
            await keepa.products_by_code(["4006381000000"], allow_unbounded=True, max_tokens=50)

    run(main())
    assert house.truth().requests == 2


def test_bad_parameters_never_leave(house):
    """A wrong parameter is refused on construction."""

    async def main():
        async with house.keepa() as keepa:
            for wrong in (["short"], [], ["b0d8w1yvbx"], [RECORDED, "B0D8W1YVB!"]):
                with pytest.raises(InvalidCallError):
                    await keepa.products(wrong)
            with pytest.raises(InvalidCallError):
                await keepa.products([RECORDED], domain="mars")

    run(main())
    assert house.truth().requests == 0


# -- splitting and waiting -----------------------------------------------------------------------------------


def test_a_batch_is_split_to_what_fits(tmp_path):
    """Of a hundred products the part that can be paid for is asked now, the rest as the tokens come."""
    house = House(tmp_path, balance=60)

    async def main():
        async with house.keepa() as keepa:
            return await keepa.products(ASINS)

    assert len(run(main())) == 100
    assert [entry.tokens for entry in lines(house, Settled) if entry.tokens] == [50, 20, 20, 10]
    assert house.truth().lowest_balance == 10


def test_send_is_never_split(tmp_path):
    """`send` gives one raw answer, so it waits for all of its tokens."""
    house = House(tmp_path, balance=60)

    async def main():
        async with house.keepa() as keepa:
            return await keepa.send(ProductCall(asins=ASINS, domain=1))

    assert len(run(main()).json()["products"]) == 100
    assert [entry.tokens for entry in lines(house, Settled) if entry.tokens] == [100]


def test_partial_result(tmp_path):
    """When a later part fails, what was paid for is on the error, in the order asked, with what is missing."""
    house = House(tmp_path, balance=60)
    calls = 0

    def some(request: httpx2.Request) -> httpx2.Response | Exception:
        nonlocal calls
        calls += 1
        if calls > 2:
            return httpx2.ConnectError("gone")
        left = {1: 60, 2: 10}[calls]
        asins = request.url.params.get("asin", "").split(",")
        products = [{"asin": asin} for asin in reversed(asins)] if calls == 2 else []
        return answer(left=left, consumed=60 - left, products=products)

    async def main():
        async with house.keepa(transport=Canned(*[some] * 9)) as keepa:
            with pytest.raises(PartialResultError) as caught:
                await keepa.products(ASINS)
            return caught.value

    error = run(main())
    assert [product.asin for product in error.results] == ASINS[:50]
    assert list(error.missing) == ASINS[50:]
    assert isinstance(error.cause, KeepaUnreachable)


def test_warns_above_the_safe_margin(tmp_path, caplog):
    """A call that takes more than half of what is free is warned about."""
    house = House(tmp_path, balance=90)

    async def main():
        async with house.keepa() as keepa:
            await keepa.best_sellers(3760911)

    with caplog.at_level(logging.WARNING, "keepahead"):
        run(main())
    assert "50 of the 90 free tokens" in caplog.text


def test_concurrency_is_bounded(tmp_path):
    """No more calls than max_concurrency are under way at once, however many tasks ask."""
    house = House(tmp_path, faults=Faults(latency_seconds=(1.0, 2.0)))
    under_way, most = 0, 0

    def watch(step) -> None:
        nonlocal under_way, most
        under_way += isinstance(step, Send)
        most = max(most, under_way)
        under_way -= type(step).__name__ == "Got"

    async def main():
        async with house.keepa(max_concurrency=3, watch=watch) as keepa:
            await keepa.status()
            under_way_before = under_way
            assert under_way_before == 1
            await asyncio.gather(*(keepa.products([asin], max_tokens=1) for asin in ASINS[:20]))

    run(main())
    assert most - 1 == 3  # the first meter was no product


def test_pace(tmp_path):
    """With a pace of 30 a minute, calls leave two seconds apart, whatever they cost."""
    house = House(tmp_path)

    async def main():
        async with house.keepa(pace=30) as keepa:
            await asyncio.gather(*(keepa.products([asin], max_tokens=1) for asin in ASINS[:11]))

    run(main())
    assert house.clock.now() - START >= timedelta(seconds=20)
    moments = [entry.at for entry in lines(house, Settled) if entry.tokens]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) == pytest.approx(2.0, abs=0.01)


def test_jobs_leave_more(tmp_path):
    """The jobs lane may not take the balance below its own floor."""
    house = House(tmp_path, balance=120)

    async def main():
        async with house.keepa(lane="jobs") as jobs, house.keepa() as live:
            with pytest.raises(InsufficientTokensError) as caught:
                await jobs.best_sellers(3760911, max_wait_seconds=0)
            assert caught.value.floor == 100
            await live.best_sellers(3760911, max_wait_seconds=0)

    run(main())


def test_a_deficit_is_chosen_and_bounded(tmp_path):
    """A negative floor lets one call take the balance below zero, and no further."""
    house = House(tmp_path, rate=1, balance=5)

    async def main():
        async with house.keepa(floor=-50, max_wait_seconds=0) as keepa:
            assert (await keepa.best_sellers(3760911)).asins
            with pytest.raises(InsufficientTokensError):
                await keepa.products([RECORDED])

    run(main())
    assert house.truth().lowest_balance == -45


# -- what can go wrong on the way ----------------------------------------------------------------------------


def test_nothing_sent_is_released(house):
    """An error that proves that nothing was sent gives the tokens back at once."""

    async def main():
        async with house.keepa(transport=Canned(answer(**TOKEN), httpx2.ConnectError("refused"))) as keepa:
            with pytest.raises(KeepaUnreachable):
                await keepa.best_sellers(3760911)
            return await keepa.status()

    status = run(main())
    assert (status.reserved, status.unknown, status.free) == (0, 0, 1000)
    assert [entry.tokens for entry in lines(house, Released)] == [50]


@pytest.mark.parametrize(
    "error",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.ReadError("reset"),
        httpx2.WriteError("half"),
        httpx2.RemoteProtocolError("cut"),
    ],
)
def test_a_lost_answer_counts_as_charged(house, error):
    """Anything else leaves the outcome unknown: counted at its maximum, and not sent again."""
    canned = Canned(answer(**TOKEN), error)

    async def main():
        async with house.keepa(transport=canned) as keepa:
            with pytest.raises(OutcomeUnknown) as caught:
                await keepa.best_sellers(3760911)
            assert caught.value.tokens_charged == 50
            return await keepa.status(), caught.value.call_id

    status, call_id = run(main())
    assert (status.reserved, status.unknown, status.free) == (0, 50, 950)
    assert len(canned.requests) == 2
    assert [entry.label.call_id for entry in lines(house, Lost)] == [call_id]


def test_of_several_failures_the_dearest_speaks(house):
    """Of a list in two calls, one could not be sent and one was lost: the error must not say that nothing was spent."""
    canned = Canned(answer(**TOKEN), httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.status()
            with pytest.raises(OutcomeUnknown) as caught:
                await keepa.products([f"B0{number:08}" for number in range(150)])
            assert caught.value.tokens_charged in (50, 100)

    run(main())
    assert len(canned.requests) == 3


def test_the_unknown_is_absorbed(tmp_path):
    """A charge whose answer was lost is in the next meters; then it is no longer held apart, and nothing is off."""
    house = House(tmp_path, faults=Faults(drop_percent=100), balance=200)

    async def main():
        async with house.keepa(max_wait_seconds=None) as keepa:
            house.simulator.faults = Faults()
            await keepa.status()
            house.simulator.faults = Faults(drop_percent=100)
            with pytest.raises(OutcomeUnknown):
                await keepa.best_sellers(3760911)
            house.simulator.faults = Faults()
            assert (await keepa.status()).unknown == 50
            await house.clock.sleep_async(125)
            await keepa.products([RECORDED])
            status = await keepa.status()
            assert status.unknown == 0
            return status

    assert run(main()).balance == house.truth().balance


def test_stuck_behind_unknown_tokens(tmp_path):
    """When only unknown tokens stand in the way, one free /token call settles it in time: nothing waits for ever."""
    house = House(tmp_path, balance=70)

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            house.simulator.faults = Faults(refuse_percent=0, drop_percent=100)
            with pytest.raises(OutcomeUnknown):
                await keepa.best_sellers(3760911)
            house.simulator.faults = Faults()
            assert (await keepa.best_sellers(3760911)).asins

    run(main())
    assert house.truth().lowest_balance >= 10


def test_429_goes_back_to_the_queue(tmp_path):
    """After a 429 the meter is read anew and the call waits its turn; its answer comes in the end."""
    house = House(tmp_path, balance=100)

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            await drain(house, 100)
            return await keepa.products([RECORDED])

    assert run(main())[0].asin == RECORDED
    assert house.truth().refused_429 == 1


async def drain(house: House, tokens: int) -> None:
    """Somebody else spends on the same key, behind our back."""
    transport = house.transport()
    asins = ",".join(ASINS[: min(tokens, 100)])
    async with httpx2.AsyncClient(transport=transport, base_url="http://simulator") as other:
        for _ in range(-(-tokens // 100)):
            await other.get("/product", params={"domain": 1, "asin": asins, "key": KEY})


def test_429_storms_end(tmp_path):
    """A Keepa that always says 429 is asked a bounded number of times; then the caller hears of it."""
    house = House(tmp_path, faults=Faults(storm_percent=100))

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(KeepaRejected) as caught:
                await keepa.products([RECORDED])
            return caught.value

    assert run(main()).status == 429
    assert house.truth().consumed == 0
    sent = [entry for entry in lines(house, Settled) if entry.label.endpoint == "product"]
    assert len(sent) == REQUEUES + 1


def test_429_with_a_deadline(tmp_path):
    """A caller who will not wait hears of an empty bucket as lack of tokens."""
    house = House(tmp_path, faults=Faults(storm_percent=100))

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            with pytest.raises(InsufficientTokensError):
                await keepa.products([RECORDED])

    run(main())


def test_a_bad_key(house):
    """A key that Keepa does not know: its all-zero envelope is no balance, and the error says what is wrong."""

    async def main():
        async with house.keepa(transport=Canned(ALL_ZERO)) as keepa:
            with pytest.raises(KeepaRejected, match="key") as caught:
                await keepa.products([RECORDED])
            return caught.value

    assert run(main()).status == 400
    with house.books() as (ledger, _):
        assert ledger.account().meter is None


def test_an_upstream_that_is_not_keepa(house):
    """What answers without saying how many tokens are left is not spent on."""

    async def main():
        async with house.keepa(transport=Canned(b'{"hello": "world"}')) as keepa:
            with pytest.raises(BadAnswerError, match="does not say"):
                await keepa.products([RECORDED])

    run(main())


def test_html_counts_as_charged(house):
    """A front-end's error page says nothing of the charge: the tokens stay counted."""
    page = httpx2.Response(502, content=b"<html>bad gateway</html>")

    async def main():
        async with house.keepa(transport=Canned(answer(**TOKEN), page)) as keepa:
            with pytest.raises(KeepaRejected, match="may have been charged"):
                await keepa.best_sellers(3760911)
            return await keepa.status()

    assert run(main()).unknown == 50


def test_an_answer_of_another_shape(house):
    """A payload of another shape is an error that keeps the bytes; what it cost is settled."""
    odd = answer(left=999, products={"not": "a list"})

    async def main():
        async with house.keepa(transport=Canned(answer(**TOKEN), odd)) as keepa:
            with pytest.raises(BadAnswerError) as caught:
                await keepa.products([RECORDED])
            assert b"not" in caught.value.body
            return await keepa.status()

    assert run(main()).balance == 999


def test_overage_is_recorded(house):
    """When Keepa charges more than any source allows, it is booked, not refused."""
    dear = answer(left=900, consumed=100, products=[])

    async def main():
        async with house.keepa(transport=Canned(answer(**TOKEN), dear)) as keepa:
            await keepa.products([RECORDED])

    run(main())
    assert [entry.overage for entry in lines(house, Settled)] == [0, 99]


def test_a_ledger_that_is_gone(house, monkeypatch):
    """Without the ledger nothing is sent; a paid answer is delivered even if it can no longer be settled."""
    canned = Canned(answer(**TOKEN), answer(left=999, products=[{"asin": RECORDED}]))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            ledger = keepa._parts.ledger

            def gone(*_args, **_more) -> None:
                raise LedgerUnavailableError("gone")

            await keepa.status()
            monkeypatch.setattr(ledger, "settle", gone)
            assert (await keepa.products([RECORDED]))[0].asin == RECORDED
            monkeypatch.setattr(ledger, "reserve", gone)
            with pytest.raises(LedgerUnavailableError):
                await keepa.products([RECORDED], max_age=0)

    run(main())
    assert len(canned.requests) == 2


@pytest.mark.parametrize(
    ("fault", "step", "told"),
    [
        (httpx2.ReadTimeout("nothing"), "lose", OutcomeUnknown),
        (httpx2.ConnectError("refused"), "release", KeepaUnreachable),
    ],
)
def test_how_a_call_ended_is_told_without_a_ledger(house, monkeypatch, fault, step, told):
    """Nobody hears of a ledger that is away instead of what became of the call; the loop does not wait for it."""
    booked_by = []

    async def main():
        async with house.keepa(transport=Canned(answer(**TOKEN), fault)) as keepa:
            await keepa.status()

            def gone(*_args, **_more) -> None:
                booked_by.append(threading.current_thread())
                raise LedgerUnavailableError("gone")

            monkeypatch.setattr(keepa._parts.ledger, step, gone)
            with pytest.raises(told):
                await keepa.products([RECORDED])

    run(main())
    assert booked_by[0] is not threading.main_thread()


# -- interruption --------------------------------------------------------------------------------------------


def test_cancelled_while_waiting(tmp_path):
    """A task that is cancelled in the queue gives up its place; nothing is held."""
    house = House(tmp_path, balance=10)

    async def main():
        async with house.keepa() as keepa:
            task = asyncio.create_task(keepa.best_sellers(3760911))
            await house.clock.sleep_async(20)
            with house.books() as (ledger, _):
                assert len(ledger.account().tickets) == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    with house.books() as (ledger, _):
        assert ledger.account().tickets == ()
        assert ledger.account().reservations == ()


@pytest.mark.parametrize("after", range(1, 40, 3))
def test_cancelled_anywhere(tmp_path, after):
    """Wherever a task is cancelled, no reservation stays open and no ticket stays behind."""
    house = House(tmp_path, balance=55, faults=Faults(latency_seconds=(0.2, 0.2)))

    async def main():
        async with house.keepa() as keepa:
            task = asyncio.create_task(keepa.products(ASINS[:60]))
            for _ in range(after):
                await asyncio.sleep(0)
                await asyncio.get_running_loop().run_in_executor(None, lambda: None)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    with house.books() as (ledger, _):
        account = ledger.account()
    assert [held for held in account.reservations if not held.is_unknown] == []
    assert account.tickets == ()


def test_interrupted_sync(tmp_path):
    """Ctrl-C in the blocking client, in the middle of a call, leaves nothing open."""
    house = House(tmp_path, clock=SteppedClock(START))

    def interrupt(_request: httpx2.Request) -> BaseException:
        return KeyboardInterrupt()

    with house.keepa_sync(transport=Canned(answer(**TOKEN), interrupt)) as keepa, pytest.raises(KeyboardInterrupt):
        keepa.best_sellers(3760911)
    with house.books() as (ledger, _):
        assert (ledger.account().reserved, ledger.account().unknown) == (0, 50)


def test_interrupted_sync_while_waiting(tmp_path):
    """Ctrl-C in the blocking client while it waits leaves no ticket."""

    class Impatient(SteppedClock):
        def sleep(self, seconds: float, wake=None) -> None:  # noqa: ARG002
            raise KeyboardInterrupt

    house = House(tmp_path, balance=5, clock=Impatient(START))
    with house.keepa_sync() as keepa, pytest.raises(KeyboardInterrupt):
        keepa.best_sellers(3760911)
    with house.books() as (ledger, _):
        assert ledger.account().tickets == ()


def test_threads_share_a_sync_client(tmp_path):
    """Threads may use one blocking client; together they stay within the budget."""
    house = House(tmp_path, balance=100, clock=SteppedClock(START))
    with house.keepa_sync(max_concurrency=2) as keepa:
        threads = [threading.Thread(target=keepa.products, args=([asin],)) for asin in ASINS[:20]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert house.truth().consumed == 20


def test_watchers_see_the_wait(tmp_path):
    """Who watches sees how long a wait is expected to be, and for how many tokens."""
    house = House(tmp_path, balance=10)
    seen = []

    async def main():
        async with house.keepa(watch=seen.append) as keepa:
            await keepa.products([RECORDED])

    run(main())
    waits = [step for step in seen if isinstance(step, Wait)]
    assert waits[0].tokens == 1
    assert 0 < waits[0].ready_in_seconds <= 61
    assert RECORDED in waits[0].shape


def test_timeouts_are_generous():
    """Calls with offers or stock take long: the client waits two minutes for an answer, and five in all."""
    assert (exchange.READ_SECONDS, exchange.CALL_SECONDS) == (120.0, 300.0)


def test_a_call_that_never_ends(tmp_path):
    """A server that dribbles for ever is given up on after five minutes, and the call is unknown."""
    house = House(tmp_path)

    class Dribble(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/token":
                return answer(**TOKEN)
            await asyncio.sleep(10_000)
            raise AssertionError

    async def main():
        async with house.keepa(transport=Dribble()) as keepa:
            with pytest.raises(OutcomeUnknown):
                await keepa.products([RECORDED])

    run(main())
    assert house.clock.now() - START >= timedelta(seconds=300)


def test_late_meters_do_not_go_back_in_time(house):
    """Of two meters the one with Keepa's newer timestamp stands, whichever came last."""
    newer = answer(left=500, ms=T0_MS + 2000, products=[])
    older = answer(left=900, ms=T0_MS + 1000, products=[])

    async def main():
        async with house.keepa(transport=Canned(answer(**TOKEN), newer, older)) as keepa:
            await keepa.products([RECORDED])
            await keepa.products([RECORDED])
            return await keepa.status()

    assert run(main()).balance == 500


def test_a_machine_that_slept(tmp_path):
    """A call that could not leave for minutes after its grant is granted anew, on what is there then."""
    naps, clock = [600.0], SteppedClock(START)
    house = House(tmp_path, clock=clock)

    def watch(step) -> None:
        if type(step).__name__ == "Pace" and naps:
            clock.sleep(naps.pop())

    with house.keepa_sync(watch=watch) as keepa:
        assert keepa.products([RECORDED])
    assert [entry.reason for entry in lines(house, Released)] == ["not sent in time"]
    assert house.truth().consumed == 1


def test_client_shows_no_key(house):
    """What a client or its parts print of themselves holds no key."""
    keepa: AsyncKeepa = house.keepa()
    assert KEY not in repr(keepa) + repr(keepa._parts) + str(vars(keepa))
    asyncio.run(keepa.aclose())


def test_a_cold_start_refuses_nobody(tmp_path):
    """Twenty tasks that will not wait, on a full bucket of which nothing is known yet: all are served."""
    house = House(tmp_path, faults=Faults(latency_seconds=(1.0, 1.0)))

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            await asyncio.gather(*(keepa.products([asin], max_tokens=1) for asin in ASINS[:20]))

    run(main())
    assert house.truth().consumed == 20


def test_a_clock_that_is_put_back(tmp_path):
    """A clock that is put back an hour costs one free /token call, not an hour of waiting."""
    clock = SteppedClock(START)
    house = House(tmp_path, balance=60, clock=clock)
    real = SteppedClock(START)
    house.simulator._now = real.now

    class PutBack:
        now = staticmethod(clock.now)

        def sleep(self, seconds: float, wake=None) -> None:  # noqa: ARG002
            clock.sleep(seconds)
            real.sleep(seconds)

        async def sleep_async(self, seconds: float) -> None:
            raise NotImplementedError

    with house.keepa_sync(clock=PutBack()) as keepa:
        keepa.best_sellers(3760911)
        clock._now -= timedelta(hours=1)
        keepa.best_sellers(3760911)
    assert real.now() - START < timedelta(minutes=5)
    assert house.truth().lowest_balance >= 10
