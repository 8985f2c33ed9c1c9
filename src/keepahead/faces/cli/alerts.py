"""`keepahead alerts`: what is watched and who was told; silences, and a test of every address."""

from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.alert_channels import channels_of
from keepahead.faces.alert_documents import Standing, silence_json, standing_json
from keepahead.faces.cli import options
from keepahead.faces.cli.alert_table import put_standing, rules_in
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.exits import FAILED
from keepahead.faces.cli.results import put_json, put_text
from keepahead.faces.cli.streams import clean, say
from keepahead.faces.cli.values import moment_ahead, one_of
from keepahead.faces.sentry import open_sentry
from keepahead.faces.settings import read_settings
from keepahead.store.alarms import Alarms
from keepahead.store.database import Database
from keepahead.store.outbox import Outbox
from keepahead.work.alerts.channels import LOG
from keepahead.work.alerts.rules import NAMES
from keepahead.work.alerts.trial import try_out

ALL = "all"
_LONGEST_WORDS = 500
_LONGEST_SUBJECT = 200
_NOBODY = (
    "nobody is set to be told: KEEPAHEAD_ALERT_TO names who hears of what is critical, KEEPAHEAD_WARN_TO of the rest"
)


def _known(unfinished: str) -> list[str]:
    """Complete the name of a rule."""
    return [name for name in (*NAMES, ALL) if name.startswith(unfinished)]


def alerts(*, json: options.Json = False) -> None:
    """Show every rule and how it stands, the silences in force and the last deliveries. Sends nothing."""
    rules, now = read_settings().rules, SystemClock().now()
    with opened(_alarms_and_outbox) as (alarms, outbox):
        standing = Standing.read(rules, alarms, outbox, now)
    if json:
        put_json(standing_json(standing, now))
    else:
        put_standing(standing, now)


def list_(*, json: options.Json = False) -> None:
    """Do as keepahead alerts does: show rules, silences and deliveries."""
    alerts(json=json)


def test_(*, json: options.Json = False) -> None:  # noqa: PT028 - a verb, and no test
    """Send a test message to every address now, and say how it went; ends with 1 if one of them failed."""
    settings = read_settings()
    channels = channels_of(settings)
    open_sentry(settings.sentry_dsn)
    tried = try_out([each for each in channels.every() if each.name != LOG], SystemClock().now())
    if json:
        put_json({"channels": [{"channel": each.channel, "failure": each.failure or None} for each in tried]})
    for each in tried:
        if not json:
            put_text(f"{each.channel}: {f'failed: {each.failure}' if each.failure else 'ok'}")
    if not tried:
        say(_NOBODY)
    if any(each.failure for each in tried):
        raise typer.Exit(FAILED)


def silence(
    *,
    rule: Annotated[str, typer.Argument(metavar="RULE", autocompletion=_known, help="The name of a rule, or all.")],
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d; or until a local time.")],
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only if it fires for this: the name of a caller.")
    ] = None,
    words: Annotated[str | None, typer.Option("--words", help="Why, for whoever sees it.")] = None,
    json: options.Json = False,
) -> None:
    """Have nobody told that a rule fires, for some time. What still fires at its end is told then."""
    now = SystemClock().now()
    name = None if one_of(rule, (*NAMES, ALL), "RULE") == ALL else rule
    until = moment_ahead(lasts, "--for", now)
    said, of = clean(words or ""), clean(subject or "") or None
    if until is None or len(said) > _LONGEST_WORDS:
        raise typer.BadParameter(f"say it in {_LONGEST_WORDS} characters", param_hint="'--words'")
    if of is not None and len(of) > _LONGEST_SUBJECT:
        raise typer.BadParameter(f"a name of at most {_LONGEST_SUBJECT} characters", param_hint="'--subject'")
    with opened(Alarms) as alarms:
        made = alarms.silence(rule=name, subject=of, words=said, until=until, now=now)
    if json:
        put_json({"silence": silence_json(made, now)})
        return
    number, end = made.silence_id, f"{until.astimezone():%Y-%m-%d %H:%M}"
    put_text(
        f"silence {number}: nobody is told of {rules_in(made)} until {end}; keepahead alerts unsilence {number} ends it"
    )


def unsilence(
    *,
    which: Annotated[str, typer.Argument(metavar="ID", help="The number of the silence, or all.")],
    json: options.Json = False,
) -> None:
    """Take a silence back, or all of them."""
    with opened(Alarms) as alarms:
        there = [each.silence_id for each in alarms.silences(SystemClock().now())]
        wanted = there if which == ALL else [number for number in there if str(number) == which]
        gone = [number for number in wanted if alarms.unsilence(number)]
    if which != ALL and not gone:
        known = f"in force: {', '.join(map(str, there))}" if there else "none is in force"
        raise typer.BadParameter(f"there is no silence {which}; {known}", param_hint="'ID'")
    if json:
        put_json({"removed": gone})
    else:
        names = f"silence{'' if len(gone) == 1 else 's'} {', '.join(map(str, gone))} removed"
        put_text(names if gone else "no silence was in force")


VERBS = (list_, test_, silence, unsilence)


def _alarms_and_outbox(database: Database, fingerprint: str) -> tuple[Alarms, Outbox]:
    return Alarms(database, fingerprint), Outbox(database, fingerprint)
