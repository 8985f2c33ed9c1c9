"""Typed settings, read once: from the environment, from `.env` and from `keepahead.toml` in the working folder."""

from pathlib import Path
from typing import Any

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from keepahead.errors import SettingsError

KEEPA_URL = "https://api.keepa.com"
TOML_FILE = "keepahead.toml"


def data_folder() -> Path:
    """Return the folder where the ledger and the built-in simulator live unless a setting says otherwise."""
    return platformdirs.user_data_path("keepahead", appauthor=False)


def _default_database_url() -> SecretStr:
    return SecretStr(f"sqlite:///{data_folder() / 'ledger.db'}")


class Settings(BaseSettings):
    """What can be set. The environment wins over `.env`, which wins over `keepahead.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="KEEPAHEAD_",
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
    floor: int = Field(
        default=10, description="Tokens that live calls never touch. Negative: a deficit that you allow."
    )
    jobs_floor: int = Field(
        default=100, description="Tokens that background work never touches; at most a quarter of the capacity."
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
    caller: str | None = Field(
        default=None, max_length=200, description="Whom the ledger charges. The name of the program."
    )

    @field_validator("pace", "max_wait_seconds", "caller", "upstream_url", "api_key", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

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
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(**given: Any) -> Settings:
    """Read the settings; `given` values win, None means not given. Raises SettingsError with the setting's own name."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = setting_name(str(first["loc"][0]))
        raise SettingsError(name, f"the setting {name} cannot be used: {first['msg']}") from None
    except (OSError, ValueError) as error:  # a broken .env or TOML file
        raise SettingsError(TOML_FILE, f"the settings file cannot be read: {error}") from None


def origins() -> dict[str, str]:
    """Return where each setting comes from that is not at its default: the environment, .env or keepahead.toml."""
    found: dict[str, str] = {}
    for where, source in (
        (TOML_FILE, TomlConfigSettingsSource(Settings)),
        (".env", DotEnvSettingsSource(Settings)),
        ("environment", EnvSettingsSource(Settings)),
    ):
        found |= dict.fromkeys((setting_name(name) for name, value in source().items() if value != ""), where)
    return {name: found[name] for name in map(setting_name, Settings.model_fields) if name in found}


def setting_name(field: str) -> str:
    """Return the name under which people set a field: KEEPAHEAD_FLOOR for floor."""
    return "KEEPA_API_KEY" if field in {"api_key", "KEEPA_API_KEY"} else f"KEEPAHEAD_{field.upper()}"
