"""The page "Alerts": what fires, the rules, who is told and how it went with that; silences."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from datetime import datetime, timedelta
from functools import partial

from nicegui import ui

from keepahead.faces.alert_documents import Standing
from keepahead.faces.dashboard.change import refusal
from keepahead.faces.dashboard.channels import ChannelsSection
from keepahead.faces.dashboard.deliveries import DeliveriesSection
from keepahead.faces.dashboard.firing import Firing
from keepahead.faces.dashboard.frame import page
from keepahead.faces.dashboard.renewal import Renewal
from keepahead.faces.dashboard.rules import RulesSection
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.silences import SilencesSection, ask_to_silence
from keepahead.store.outbox import Delivery

_UNDER_WAY = timedelta(seconds=30)


@page("/alerts")
async def show(scene: Scene) -> None:
    """Build the page."""
    ui.label("Alerts").classes("kh-title").props("role=heading aria-level=1")
    if (why := refusal(scene)) is not None:
        ui.label(f"You can see this and change nothing: {why}").classes("kh-note kh-warn")
    alerting, renewal = scene.house.alerting, Renewal(scene)

    async def refresh() -> None:
        read = Standing.read
        standing = await asyncio.to_thread(read, alerting.rules, alerting.alarms, alerting.outbox, scene.now)
        firing.show([alarm for alarm in standing.alarms if alarm.is_firing])
        rules.show(standing)
        silences.show(standing.silences)
        deliveries.show(standing.deliveries)
        if any(is_on_its_way(delivery, scene.now) for delivery in standing.deliveries):
            renewal.soon()

    silence = partial(ask_to_silence, scene, renewal)
    firing = Firing(scene, silence)
    with ui.element("div").classes("kh-halves"):
        silences = SilencesSection(scene, renewal)
        ChannelsSection(scene)
    deliveries, rules = DeliveriesSection(scene), RulesSection(scene, silence)
    await renewal.begin(refresh)


def is_on_its_way(delivery: Delivery, now: datetime) -> bool:
    """Tell whether a letter will be there in a moment; one that failed or lies there for long is not waited for."""
    is_new = timedelta() <= now - delivery.made_at < _UNDER_WAY
    return is_new and delivery.delivered_at is None and delivery.failure is None
