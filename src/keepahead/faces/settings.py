"""Typed settings, read once: from the environment, from `.env` and from `keepahead.toml` in the working folder."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, cast

import platformdirs
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from keepahead.budget.rule import CALLER_NAME, is_caller_name
from keepahead.errors import SettingsError
from keepahead.work.alerts.rule import Rule
from keepahead.work.alerts.rules import NAMES, Wish, rules_of
from keepahead.work.analysis.thresholds import Thresholds

KEEPA_URL = "https://api.keepa.com"
TOML_FILE = "keepahead.toml"
_MOST = 1_000_000_000
_AGE_PREFIX = "max_age_"
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([smhdw]?)")
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MOST_SECONDS = 3_000_000_000


def read_age(value: Any) -> timedelta:
    """Read a length of time: seconds, or 90s, 30m, 6h, 30d, 2w. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = _AGE.fullmatch(str(value).strip())
    seconds = float(found[1]) * _UNIT_SECONDS[found[2]] if found else -1
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError("write seconds, or a length of time such as 90s, 30m, 6h or 30d")
    return timedelta(seconds=seconds)


Age = Annotated[timedelta, BeforeValidator(read_age)]


def _age(default: timedelta, what: str) -> Any:
    return Field(default=default, description=f"How old an archived {what} may be; 0 always asks Keepa.")


def data_folder() -> Path:
    """Return the folder where the ledger and the built-in simulator live unless a setting says otherwise."""
    return platformdirs.user_data_path("keepahead", appauthor=False)


def _default_database_url() -> SecretStr:
    return SecretStr(f"sqlite:///{data_folder() / 'ledger.db'}")


class _TomlSource(TomlConfigSettingsSource):
    """keepahead.toml: each setting by its full name or without the prefix. A name it does not know is an error."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return {_field_of(name): value for name, value in super()._read_file(file_path).items()}


def _field_of(name: str) -> str:
    known = {setting_name(field): field for field in Settings.model_fields}
    field = known.get(name, name)
    if field not in Settings.model_fields:
        nearest = get_close_matches(name, [*known, *known.values()], 1)
        advice = f'; did you mean "{nearest[0]}"?' if nearest else ""
        raise SettingsError(TOML_FILE, f'{TOML_FILE} sets "{name}", and there is no such setting{advice}')
    return field


class Settings(BaseSettings):
    """What can be set. The environment wins over `.env`, which wins over `keepahead.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="KEEPAHEAD_",
        env_nested_delimiter="__",
        env_file=".env",
        env_file_encoding="utf-8",
        toml_file=TOML_FILE,
        extra="ignore",
        populate_by_name=True,
    )

    api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("KEEPA_API_KEY", "api_key"),
        description="The Keepa key. Without one the built-in simulator answers.",
    )
    upstream_url: str | None = Field(
        default=None, description=f"Where calls go. {KEEPA_URL} with a key, the built-in simulator without."
    )
    database_url: SecretStr = Field(
        default_factory=_default_database_url,
        description="The ledger: sqlite:////path/ledger.db or postgresql://user@host/name. A file in the data folder.",
    )
    ledger_timeout_seconds: float = Field(
        default=10,
        gt=0,
        le=600,
        description="How long a step of the ledger may take; after that it counts as unreachable, and nothing is sent.",
    )
    floor: int = Field(
        default=10,
        ge=-_MOST,
        le=_MOST,
        description="Tokens that live calls never touch. Negative: a deficit that you allow.",
    )
    jobs_floor: int = Field(
        default=100,
        ge=-_MOST,
        le=_MOST,
        description="Tokens that background work never touches; at most a quarter of the capacity.",
    )
    jobs_patience_seconds: float = Field(
        default=900,
        ge=0,
        le=_MOST,
        description="How long the oldest jobs call lets newer live calls go first.",
    )
    keep_entries_days: int = Field(
        default=90,
        ge=2,
        le=100_000,
        description="Entries older than this are put away; their hourly sums stay.",
    )
    safe_margin: int = Field(
        default=2, ge=1, le=1000, description="Warn when a call leaves less than this many times its cost."
    )
    low: int = Field(default=50, description="Warn below this many tokens.")
    critical: int = Field(default=20, description="Alert below this many tokens.")
    max_concurrency: int = Field(default=8, ge=1, le=1000, description="Calls under way at the same time.")
    pace: int | None = Field(
        default=None, ge=1, le=100_000, description="At most so many calls a minute, evenly spaced. Off."
    )
    max_wait_seconds: float | None = Field(
        default=None, ge=0, description="How long a call waits for tokens; 0 refuses at once. As long as it takes."
    )
    caller: str | None = Field(default=None, description="Whom the ledger charges. The name of the program.")
    alert_to: SecretStr | None = Field(
        default=None,
        description="Who is told of critical alerts: mail addresses, and URLs such as slack://…, with blanks between.",
    )
    warn_to: SecretStr | None = Field(default=None, description="Who is told of warnings as well, written alike.")
    smtp_url: SecretStr | None = Field(
        default=None, description="The mail server: smtp://user:password@mail.example.com, or smtps://…."
    )
    analysis: Annotated[Thresholds, NoDecode] = Field(
        default=Thresholds(), description="What an analysis weighs with, each number by its name: docs/analysis.md."
    )
    alerts: Annotated[Mapping[str, Wish], NoDecode] = Field(
        default_factory=dict[str, Wish],
        description="What each rule of the alerts fires at, by its name: docs/alerts.md.",
    )

    archive_megabytes: int = Field(
        default=1024,
        ge=0,
        le=_MOST,
        description="How large the archive may grow; then the least recently used go. 0 keeps and reuses nothing.",
    )
    max_age_product: Age = _age(timedelta(hours=6), "product")
    discovery_max_age: Age = _age(timedelta(hours=24), "product of a discovery")
    max_age_search: Age = _age(timedelta(hours=1), "search")
    max_age_category: Age = _age(timedelta(days=30), "category")
    max_age_query: Age = _age(timedelta(hours=1), "page of the product finder")
    max_age_deal: Age = _age(timedelta(hours=1), "page of deals")
    max_age_bestsellers: Age = _age(timedelta(hours=1), "best-seller list")
    max_age_seller: Age = _age(timedelta(hours=24), "seller")
    max_age_sellerquery: Age = _age(timedelta(hours=1), "page of the seller finder")
    max_age_topseller: Age = _age(timedelta(hours=24), "list of top sellers")
    max_age_lightningdeal: Age = _age(timedelta(minutes=5), "lightning deal")
    max_age_graphimage: Age = _age(timedelta(minutes=90), "graph")

    memory_megabytes: int = Field(
        default=64, ge=0, le=_MOST, description="How much of the archive the gateway keeps in memory as well."
    )
    request_seconds: float = Field(
        default=150,
        gt=0,
        le=3600,
        description="How long the gateway works on one request, waiting included.",
    )
    max_requests: int = Field(
        default=256,
        ge=1,
        le=100_000,
        description="Requests that the gateway has under way; more are told to come back.",
    )
    keep_place: Age = Field(
        default=timedelta(minutes=5),
        description="How far ahead the gateway keeps the tokens for whom it refuses, until he asks again. 0: never.",
    )
    drain_seconds: float = Field(
        default=30, ge=0, le=3600, description="How long the gateway lets requests under way finish when it is stopped."
    )
    sentry_dsn: SecretStr | None = Field(
        default=None,
        description="Where the gateway's errors and alerts are sent: the DSN of a Sentry project. Nowhere.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Web pages of these origins may call the gateway, separated by commas. None."
    )

    @property
    def ages(self) -> dict[str, timedelta]:
        """How old an archived answer of each endpoint may be."""
        return {
            name.removeprefix(_AGE_PREFIX): getattr(self, name)
            for name in type(self).model_fields
            if name.startswith(_AGE_PREFIX)
        }

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules of the alerts."""
        return rules_of(self.alerts, low=self.low, critical=self.critical)

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: ValidationInfo) -> Any:
        """Take the default: an empty variable is how containers say "not set"."""
        field = cls.model_fields[info.field_name or ""]
        return field.get_default(call_default_factory=True) if value == "" else value

    @field_validator("caller")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not is_caller_name(value):
            raise PydanticCustomError("caller_name", CALLER_NAME)
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Read a list with commas between."""
        return tuple(each.strip() for each in value.split(",") if each.strip()) if isinstance(value, str) else value

    @field_validator("alert_to", "warn_to", mode="before")
    @classmethod
    def _in_one(cls, value: Any) -> Any:
        """Read a list of addresses."""
        return " ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else value

    @field_validator("analysis", mode="before")
    @classmethod
    def _known_thresholds(cls, value: Any) -> Any:
        """Read thresholds; refuse one that is not there: it would be silently ignored."""
        told = _from_json(value)
        if not isinstance(told, dict):
            return told
        given = cast("dict[str, Any]", told)
        _demand_known(given, [field.name for field in fields(Thresholds)], "threshold {}")
        return {name: _from_json(each) for name, each in given.items()}

    @field_validator("alerts", mode="before")
    @classmethod
    def _known_rules(cls, value: Any) -> Any:
        """Read what is wanted of the rules; refuse a rule or a part of one that is not there."""
        told = _from_json(value)
        if not isinstance(told, dict):
            return told
        given = {name: _from_json(each) for name, each in cast("dict[str, Any]", told).items()}
        _demand_known(given, NAMES, "rule {}")
        return {name: _read_wish(name, wish) for name, wish in given.items()}

    @field_validator("alerts")
    @classmethod
    def _rules_that_can_be(cls, value: Mapping[str, Wish], info: ValidationInfo) -> Mapping[str, Wish]:
        if {"low", "critical"} <= info.data.keys():  # else what is wrong with these is told
            rules_of(value, low=info.data["low"], critical=info.data["critical"])
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the TOML file, which pydantic-settings ignores unless it is named here."""
        _ = file_secret_settings
        return init_settings, env_settings, dotenv_settings, _TomlSource(settings_cls)


def _demand_known(given: Iterable[str], known: Sequence[str], what: str) -> None:
    """Refuse a name that is not there: it would be silently ignored."""
    for name in given:
        if name not in known:
            nearest = get_close_matches(name, known, 1)
            advice = f"; did you mean {nearest[0]}?" if nearest else ""
            raise ValueError(f"there is no {what.format(name)}{advice}")


def _read_wish(rule: str, value: Any) -> Any:
    """Read what is wanted of one rule."""
    if not isinstance(value, dict):
        raise ValueError(f"{rule} must be a table, such as [alerts.{rule}] with a line threshold = 80")  # noqa: TRY004
    wish = cast("dict[str, Any]", value)
    _demand_known(wish, [field.name for field in fields(Wish)], "{} in the rule " + rule)
    try:
        return {name: read_age(each) if name == "cool_down" else each for name, each in wish.items()}
    except ValueError as error:
        raise ValueError(f"{rule}.cool_down: {error}") from None


def _from_json(value: Any) -> Any:
    """Return what a text holds where it is JSON: so the environment writes tables and lists."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def read_settings(**given: Any) -> Settings:
    """Read the settings; `given` values win, None means not given. Raises SettingsError with the setting's own name."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field, *inner = map(str, first["loc"])
        name = ".".join((setting_name(field), *inner))
        told = first["msg"].removeprefix("Value error, ")
        raise SettingsError(name, f"the setting {name} cannot be used: {told}") from None
    except (OSError, ValueError) as error:
        name = _broken_file()
        raise SettingsError(name, f"the settings file cannot be read: {name}: {error}") from None


def _broken_file() -> str:
    try:
        DotEnvSettingsSource(Settings)()
    except (OSError, ValueError):
        return ".env"
    return TOML_FILE


def origins() -> dict[str, str]:
    """Return where each setting comes from that is not at its default: the environment, .env or keepahead.toml."""
    found: dict[str, str] = {}
    for where, source in (
        (TOML_FILE, _TomlSource(Settings)),
        (".env", DotEnvSettingsSource(Settings)),
        ("environment", EnvSettingsSource(Settings)),
    ):
        found |= dict.fromkeys((setting_name(name) for name, value in source().items() if value != ""), where)
    return {name: found[name] for name in map(setting_name, Settings.model_fields) if name in found}


def setting_name(field: str) -> str:
    """Return the name under which people set a field: KEEPAHEAD_FLOOR for floor."""
    return "KEEPA_API_KEY" if field in {"api_key", "KEEPA_API_KEY"} else f"KEEPAHEAD_{field.upper()}"
