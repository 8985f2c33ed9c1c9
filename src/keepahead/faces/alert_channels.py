"""Builds the channels of alerts from the settings; what is wrong with an address is said before it is needed."""

from pydantic import SecretStr

from keepahead.errors import SettingsError
from keepahead.faces.alert_addresses import read_mail_server, split_addresses
from keepahead.faces.settings import Settings, setting_name
from keepahead.work.alerts.address import AddressError, read_address
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.channels import Channel, Channels, Log, Sentry
from keepahead.work.alerts.mail_server import MailServer
from keepahead.work.alerts.target import Target


def channels_of(settings: Settings) -> Channels:
    """Return the channels: everything goes to the log and to Sentry, and to the addresses that are set for it.

    Raises SettingsError, which names the address that is wrong.
    """
    server = _mail_server(settings.smtp_url)
    critical = _targets("alert_to", settings.alert_to, server)
    warning = _targets("warn_to", settings.warn_to, server)
    always: list[Channel] = [Log(), *([Sentry()] if settings.sentry_dsn is not None else [])]
    heard = {
        severity: tuple(channel.name for channel in (*always, *targets))
        for severity, targets in ((Severity.CRITICAL, critical), (Severity.WARNING, warning))
    }
    return Channels((*always, *critical, *warning), heard)


def _mail_server(url: SecretStr | None) -> MailServer | None:
    if url is None:
        return None
    try:
        return read_mail_server(url.get_secret_value())
    except ValueError as error:
        name = setting_name("smtp_url")
        raise SettingsError(name, f"the mail server in {name} cannot be used: {error}") from None


def _targets(field: str, value: SecretStr | None, server: MailServer | None) -> list[Target]:
    texts = split_addresses(value.get_secret_value()) if value else ()
    found: dict[str, Target] = {}
    for number, text in enumerate(texts, 1):
        try:
            address = read_address(text, server)
        except AddressError as error:
            name = setting_name(field)
            which = f"address {number} of {name}" if len(texts) > 1 else f"the address in {name}"
            raise SettingsError(name, f"{which} cannot be used: {error}") from None
        found[address.name] = Target(address)
    return list(found.values())
