"""The keys of the gateway: whose they are and what for; made, changed and revoked. The text of a key is shown once."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from nicegui import ui

from keepahead.budget.scope import Scope
from keepahead.faces.dashboard.change import change, note
from keepahead.faces.dashboard.fields import read_caller, read_requests
from keepahead.faces.dashboard.form import FieldError, Form, choice
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.renewal import Renewal
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, act, empty
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.faces.dashboard.ticks import Ticks
from keepahead.faces.key_words import key_words
from keepahead.store.keyring import GatewayKey, Keyring

_COLUMNS = (
    Column("Caller"),
    Column("Id"),
    Column("May"),
    Column("Lane"),
    Column("Requests a minute", right=True),
    Column("Made"),
    Column("Last used"),
    Column(""),
)
_SCOPES = {Scope.READ: "read: see", Scope.SPEND: "spend: spend tokens too", Scope.ADMIN: "admin: change rules and keys"}
_LANES = {"live": "live: may spend in both lanes", "jobs": "jobs: in the background only"}
_ONCE = (
    "This is the only time it is shown: only a hash of it is kept. Programs send it where they would send a Keepa key."
)
_COPY = """() => {
  const box = document.querySelector(".kh-secret textarea");
  const done = () => { document.querySelector(".kh-copied").textContent = "Copied"; };
  if (navigator.clipboard) navigator.clipboard.writeText(box.value).then(done, () => { box.select(); });
  else { box.select(); if (document.execCommand("copy")) done(); }
}"""
"""Copies in the browser: the key is not sent back. Only https and this machine have a clipboard of the new kind."""


class KeysSection:
    """Shows the keys that are good."""

    def __init__(self, scene: Scene, renewal: Renewal, keyring: Keyring) -> None:
        self._scene = scene
        self._renewal = renewal
        self._keyring = keyring
        self._keys: Sequence[GatewayKey] = ()
        self._ticks = Ticks()
        self._section = Section("Keys", self._draw, "Who may use this gateway, for what, and how much.")
        with self._section.acts:
            act(scene, "Make a key", self._ask)

    async def refresh(self) -> None:
        """Look, and show what is new. Raises LedgerError."""
        self._keys = tuple(await asyncio.to_thread(self._keyring.listed))
        self._section.show(self._keys)
        self._ticks.tick(self._scene.now)

    def _draw(self, keys: Sequence[GatewayKey]) -> None:
        self._ticks.clear()
        if keys:
            table("Keys of this gateway", _COLUMNS, [self._row(key) for key in keys])
        else:
            empty("There is no key.")

    def _row(self, key: GatewayKey) -> Sequence[Cell]:
        def draw_use() -> None:
            self._ticks.draw(partial(moment, key.used_at), self._scene.now)

        def draw_acts() -> None:
            act(self._scene, "Change", lambda: self._ask_to_change(key), label=f"Change: {key.name}")
            act(self._scene, "Revoke", lambda: self._ask_to_revoke(key), label=f"Revoke: {key.name}", grave=True)

        name = f"{key.name} (yours)" if self._is_own(key) else key.name
        requests = "no limit" if key.requests_per_minute is None else f"{key.requests_per_minute:,}"
        return name, key.key_id, key.scope.value, key.lane, requests, f"{key.made_at:%Y-%m-%d}", draw_use, draw_acts

    def _ask(self) -> None:
        """Ask for whom a key is to be, and what for."""
        words = "Limits of tokens are the caller's: set them above."
        form = Form(self._scene, "Make a key", "Make", words=words)
        name = form.field("Caller", read_caller, hint="whom the ledger charges for what the key spends")
        with form.body:
            scope = choice("May", _SCOPES, Scope.SPEND)
            lane = choice("Lane", _LANES, "live")
        requests = form.field("Requests a minute", read_requests, hint="empty: no limit")

        async def carry_out() -> str:
            of, now = name.read() or "", self._scene.now
            work = partial(self._keyring.create, of, Scope(scope.value), lane.value, requests.read(), now)
            made = await change(self._scene, work)
            if made is None:
                raise FieldError(name, f"{of} has a key already: change or revoke it in its row")
            note(self._scene, "key made", caller=of, key_id=made[0].key_id, scope=scope.value, lane=lane.value)
            self._renewal.soon()
            self._show_once(*made)
            return key_words(made[0], None)

        form.open(carry_out)

    def _show_once(self, key: GatewayKey, text: str) -> None:
        """Show a new key. It is nowhere any more once the dialog is closed."""
        with self._scene.client, ui.dialog().props("persistent") as dialog, ui.card().classes("kh-form"):
            dialog.props["aria-label"] = f"The key of {key.name}"
            dialog.on("hide", dialog.delete)
            ui.label(f"The key of {key.name}").classes("kh-title").props("role=heading aria-level=2")
            ui.label(_ONCE).classes("kh-soft")
            ui.textarea("Key", value=text).props("outlined readonly stack-label autogrow").classes("kh-secret")
            with ui.element("div").classes("kh-does kh-does-end"):
                ui.label().classes("kh-copied kh-good").props("role=status")
                ui.button("Copy", icon="content_copy", color=None).props("flat no-caps").on("click", js_handler=_COPY)
                ui.button("I have kept it", on_click=dialog.close, color=None).props("unelevated no-caps").classes(
                    "kh-go"
                )
        dialog.open()

    def _ask_to_change(self, key: GatewayKey) -> None:
        """Ask what a key is to be good for."""
        words = f"Every gateway follows within two seconds.{self._warning(key)}"
        form = Form(self._scene, f"The key of {key.name}", "Save", words=words)
        with form.body:
            scope = choice("May", _SCOPES, key.scope)
            lane = choice("Lane", _LANES, key.lane)
        per_minute = "" if key.requests_per_minute is None else str(key.requests_per_minute)
        requests = form.field("Requests a minute", read_requests, text=per_minute, hint="empty: no limit")

        async def carry_out() -> str:
            wanted = replace(key, scope=Scope(scope.value), lane=lane.value, requests_per_minute=requests.read())
            if not await change(self._scene, partial(self._keyring.change, wanted)):
                return self._told(_gone(key))
            facts = {"scope": wanted.scope.value, "lane": wanted.lane, "per_minute": wanted.requests_per_minute}
            note(self._scene, "key changed", caller=key.name, key_id=key.key_id, **facts)
            return self._told(key_words(wanted, None), key if wanted.scope != key.scope else None)

        form.open(carry_out)

    def _ask_to_revoke(self, key: GatewayKey) -> None:
        """Ask whether a key is to open nothing any more."""
        words = f"Whoever shows it is refused within two seconds, for good.{self._warning(key)}"
        form = Form(self._scene, f"Revoke the key of {key.name}?", "Revoke", words=words, grave=True)

        async def carry_out() -> str:
            if not await change(self._scene, partial(self._keyring.revoke, key.key_id, self._scene.now)):
                return self._told(_gone(key))
            note(self._scene, "key revoked", caller=key.name, key_id=key.key_id)
            return self._told(f"The key of {key.name} opens nothing any more", key)

        form.open(carry_out)

    def _told(self, words: str, lost: GatewayKey | None = None) -> str:
        """Show how the keys stand now, and return what to say; who took from his own key sees the page anew."""
        self._renewal.soon()
        if lost is not None and self._is_own(lost):
            with self._scene.client:
                ui.navigate.reload()
        return words

    def _warning(self, key: GatewayKey) -> str:
        """Return what is to be minded before a key loses something."""
        admins = [each for each in self._keys if each.scope is Scope.ADMIN]
        own = " You are logged in with it." if self._is_own(key) else ""
        is_last = admins == [key]
        last = " It is the last one that may change rules and keys: make another such key first." if is_last else ""
        return own + last

    def _is_own(self, key: GatewayKey) -> bool:
        return key.key_id == self._scene.visitor.key_id


def _gone(key: GatewayKey) -> str:
    return f"The key of {key.name} was revoked already"
