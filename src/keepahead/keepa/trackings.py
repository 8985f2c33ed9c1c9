"""Trackings and what they told (product-object.md, sections 10 and 11)."""

from datetime import datetime, timedelta
from enum import IntEnum

from keepahead.keepa import fields
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.fields import Field, KeepaObject, children, count, flag, moment, text, whole
from keepahead.keepa.points import points
from keepahead.keepa.series import Series
from keepahead.keepa.stats import figures


class Cause(IntEnum):
    """Why a tracking told something."""

    EXPIRED = 0
    DESIRED_PRICE = 1
    PRICE_CHANGE = 2
    PRICE_CHANGE_AFTER_DESIRED_PRICE = 3
    OUT_STOCK = 4
    IN_STOCK = 5
    DESIRED_PRICE_AGAIN = 6


def _csv_type(*names: str) -> Field[CsvType | None]:
    """Return a field of a type of series; None for one that is not known here."""
    number = fields.NUMBER
    return Field(lambda raw, _: CsvType(number.decode(raw)), None, names)


def _cause(*names: str) -> Field[Cause | None]:
    number = fields.NUMBER
    return Field(lambda raw, _: Cause(number.decode(raw)), None, names)


class Threshold(KeepaObject, frozen=True, eq=False):
    """A price that is waited for. `is_drop`: it falls to it or below."""

    domain = count()
    csv_type = _csv_type()
    is_drop = flag()

    @property
    def series(self) -> Series:
        """The threshold since when it was set; `current` is the one in force."""
        return Series(None, self.domain or 0, points(self.parts().get("thresholdValueCSV", fields.NOTHING), 2))


class StockWatch(KeepaObject, frozen=True, eq=False):
    """An offer that is waited for; `notify_if_type` 0: that it goes, 1: that it comes back."""

    domain = count()
    csv_type = _csv_type()
    notify_if_type = count()


class Tracking(KeepaObject, frozen=True, eq=False):
    """A stored tracking. Its thresholds are in the currency of `main_domain_id`."""

    asin = text()
    main_domain_id = count()
    ttl_hours = count("ttl")
    expire_notify = flag()
    update_interval = count()
    meta_data = text()
    thresholds = children(Threshold, "thresholdValues")
    stock_watches = children(StockWatch, "notifyIf")
    individual_notification_interval = whole()
    create_date = moment()
    is_active = flag()
    tracking_list_name = text()

    @property
    def expires_at(self) -> datetime | None:
        """When it ends; None if it never does, or nobody knows."""
        if not self.create_date or not self.ttl_hours:
            return None
        try:
            return self.create_date + timedelta(hours=self.ttl_hours)
        except OverflowError:
            return None


class Notification(KeepaObject, frozen=True, eq=False):
    """What a tracking told. Prices are in the currency of `domain_id`, the main marketplace of the tracking."""

    asin = text()
    create_date = moment()
    domain_id = count()
    notification_domain_id = count()
    csv_type = _csv_type()
    cause = _cause("trackingNotificationCause")
    current_prices = figures()
    meta_data = text()
    tracking_list_name = text()
    image = text()

    _title = text("title")
    _text_id = text("notificationId")
    _number_id = whole("notificationId")

    @property
    def notification_id(self) -> str | None:
        """Its key, which Keepa sends as text or number; None before August 2026."""
        number = self._number_id
        return self._text_id or (None if number is None else str(number))

    @property
    def title(self) -> str:
        """The title as people write it; empty if Keepa has none."""
        return fields.unescaped(self._title)
