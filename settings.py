"""Every option of Byline once: default, bounds and one line of help.

Read once, at the entry points: from arguments, then `BYLINE_*` variables, then `.env`, then
`byline.toml` in the working directory. `Settings(llm="gpt-5-mini")` sets one by hand.
"""

import difflib
import os
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import SettingsError, wanted
from .index.address import listed, shown

RATE = r"^([1-9]\d{0,6}/(second|minute|hour|day)|off)$"


class Settings(BaseSettings):
    """All options; unknown ones are refused by name."""

    model_config = SettingsConfigDict(
        env_prefix="BYLINE_",
        env_file=".env",
        env_ignore_empty=True,
        toml_file="byline.toml",
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("byline")),
        description="Folder that holds the indexes, one folder each.",
    )
    index: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="Name of the index to use: letters, digits, _ and -, at most 64.",
    )
    llm: str | None = Field(
        None,
        description="Model that writes answers: its name at the endpoint, or gguf:/path/to/a.gguf. "
        "None: answers are quoted sentences.",
    )
    llm_base_url: str | None = Field(
        None,
        description="Address of an OpenAI-compatible endpoint, ending in /v1; several with the "
        "same model, parted by commas, stand in for each other.",
    )
    llm_api_key: SecretStr | None = Field(
        None, description="Key for that endpoint (else OPENAI_API_KEY)."
    )
    llm_context_window: int = Field(
        8192, ge=1024, le=4_000_000, description="Tokens that the model can read and write at once."
    )
    llm_max_tokens: int = Field(
        1024, ge=64, le=32_768, description="Tokens that an answer may have at most."
    )
    llm_timeout_seconds: float = Field(
        60.0, gt=0, le=3600, description="Seconds to wait for the judge's endpoint."
    )
    style: str = Field(
        "sentences",
        pattern=r"^(sentences|quotes)$",
        description="How a model answers: sentences of its own, or quotes that it chooses.",
    )
    ask_timeout_seconds: float = Field(
        120.0, gt=0, le=3600, description="Seconds that one question may take with a model in all."
    )
    answer_cache: int = Field(
        256,
        ge=0,
        le=100_000,
        description="Answers that `byline serve` keeps in memory until the index changes; 0: none.",
    )
    repair: bool = Field(
        False, description="Show a model once what the checks found wrong, to write it again."
    )
    judge: str | None = Field(
        None,
        description="Model that checks statements beside the rules, another one than `llm`: its "
        "name at `judge_base_url`, or nli:URL of an entailment model's server. None: rules alone.",
    )
    judge_base_url: str | None = Field(
        None,
        description="Address of the judge's OpenAI-compatible endpoint, ending in /v1; or several.",
    )
    judge_api_key: SecretStr | None = Field(
        None, description="Key for the judge's endpoint (else OPENAI_API_KEY)."
    )
    embedder: str = Field(
        "minilm",
        description="minilm (bundled), or openai:NAME for a model at an embeddings endpoint.",
    )
    embed_base_url: str | None = Field(
        None,
        description="Address of the embeddings endpoint, ending in /v1; several with the same "
        "model, parted by commas, stand in for each other.",
    )
    embed_api_key: SecretStr | None = Field(
        None, description="Key for the embeddings endpoint (else OPENAI_API_KEY)."
    )
    embed_batch: int = Field(
        64, ge=1, le=2048, description="Texts that go to the embeddings endpoint in one request."
    )
    embed_at_once: int = Field(
        4, ge=1, le=64, description="Requests to the embeddings endpoint at the same time."
    )
    embed_model_dir: Path | None = Field(
        None, description="Folder with another model.onnx and tokenizer.json for minilm's place."
    )
    passage_chars: int = Field(1000, ge=200, le=8000, description="Characters of a passage, about.")
    max_passages: int = Field(
        8, ge=1, le=100, description="Passages handed to the model for one question."
    )
    signals: str = Field(
        "dense,passages,articles",
        pattern=r"^(dense|passages|dense,passages)(,articles)?$",
        description="What retrieval fuses: dense (vectors), passages (BM25), articles (BM25 of "
        "whole ones); one or both of the first two, with or without the third.",
    )
    max_article_bytes: int = Field(
        5_000_000, ge=1000, description="Largest article, file or JSON line that is read."
    )
    ray_workers: int = Field(
        0, ge=0, le=100_000, description="Workers of `add --ray`; 0: as many as there is room for."
    )
    ray_threads: int = Field(
        1, ge=1, le=256, description="Threads, and processors, of each of these workers."
    )
    user_agent: str = Field(
        "Byline/1.1",
        pattern=r"^[a-zA-Z][a-zA-Z_-]*(/[\x21-\x7e]+)?( [\x20-\x7e]+)?$",
        description="How Byline names itself to web servers: Byline/1.1 (news@your.example) tells "
        "them whom to ask. robots.txt is read for its first word.",
    )
    fetch_delay_seconds: float = Field(
        1.0, ge=0, le=60, description="Seconds between two requests to one host."
    )
    fetch_timeout_seconds: float = Field(
        20.0, gt=0, le=600, description="Seconds that a page or feed may take in all."
    )
    fetch_private: bool = Field(
        False, description="Whether pages and feeds may stand on private networks too."
    )
    conversation_days: int = Field(
        0, ge=0, le=36_500, description="Days after which a conversation is deleted; 0: never."
    )
    archive: SecretStr | None = Field(
        None,
        description="postgresql+psycopg://USER:PASSWORD@HOST/DATABASE of a database that holds the "
        "articles, each index in a schema of its own. None: SQLite in the index's folder.",
    )
    archive_connections: int = Field(
        20,
        ge=5,
        le=1000,
        description="Connections to that database that a process has at most, but for its "
        "locks and jobs.",
    )
    store: str | None = Field(
        None,
        pattern=r"^(https?://[^\s/@?#]+(/[^\s@?#]*)?|chroma-cloud://[^\s/@]+/[^\s/@]+)$",
        description="Where vectors are: http(s)://host:port/path of a Chroma server, or "
        "chroma-cloud://tenant/database. None: embedded in the index.",
    )
    store_api_key: SecretStr | None = Field(
        None, description="Key for that store (else CHROMA_API_KEY)."
    )
    store_headers: SecretStr | None = Field(
        None,
        description="Headers for it, as a proxy may want them: lines of `Name: value`.",
    )
    trace: str | None = Field(
        None,
        pattern=r"^(console|https?://[^\s@]+)$",
        description="Where OpenTelemetry spans of an ask go: console (standard error), or the "
        "address of a collector (OTLP over HTTP). None: to the program's own set-up, if any.",
    )
    rate_limit: str = Field(
        "600/minute",
        pattern=RATE,
        description="Requests that a key (an address, where there is none) may send to one process "
        "of the service, or to all whose archive is one PostgreSQL: 10/second, 600/minute, "
        "5000/hour; off: any number.",
    )
    asks_at_once: int = Field(
        32, ge=1, le=1000, description="Questions that the HTTP API answers at the same time."
    )
    asks_waiting: int = Field(
        96, ge=0, le=10_000, description="Questions that wait for that; more are refused (429)."
    )
    max_request_bytes: int = Field(
        2_000_000, ge=1000, description="Largest body of a request, uploads of articles apart."
    )
    max_upload_bytes: int = Field(
        500_000_000, ge=1000, description="Largest upload of articles in one request."
    )
    request_timeout_seconds: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="Seconds that a request's head, and its body, may take to arrive; an upload "
        "has a second more for each 50 kB that have come.",
    )
    drain_seconds: float = Field(
        25.0, ge=0, le=3600, description="Seconds that answers under way have when it is stopped."
    )
    session_hours: float = Field(
        12.0, gt=0, le=8760, description="Hours that a sign-in to the page lasts."
    )
    log_format: str = Field(
        "text", pattern="^(text|json)$", description="How the service logs: text or json lines."
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="What it logs at least: debug, info (a line a request), warning or error.",
    )
    log_questions: bool = Field(
        False, description="Log questions, and what errors say, which may quote them."
    )

    @property
    def archive_url(self) -> str | None:
        """The database of the archive with its password: not to be shown."""
        return self.archive.get_secret_value() if self.archive else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, .env, byline.toml."""
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml


def load_settings(**given: Any) -> Settings:
    """Settings from all sources; `given` values that are None do not count.

    Raises SettingsError in one line that names the setting and what is wrong with it.
    """
    given = {name: value for name, value in given.items() if value is not None}
    try:
        variables = dotenv_values(".env") | os.environ
        in_file = TomlConfigSettingsSource(Settings)()
    except ValueError as error:
        file = ".env" if isinstance(error, UnicodeDecodeError) else "byline.toml"
        raise SettingsError(f"{file} cannot be read: {error}. Correct the file.") from None
    for name in (*given, *in_file):
        _require_known(name, name)
    for name in variables:
        if name.lower().startswith("byline_"):
            _require_known(name, name.lower().removeprefix("byline_"))
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        about = Settings.model_fields[str(first["loc"][0])]
        is_secret = SecretStr in get_args(about.annotation)
        given_now = "" if is_secret else f" (given: {shown(repr(first['input'])):.80})"
        raise SettingsError(
            f"Setting {name} is not valid: {wanted(first)}{given_now}. {about.description}"
        ) from None
    _require_consistent(settings)
    key = variables.get("OPENAI_API_KEY")
    shared_key = SecretStr(key) if key else None
    keys = ("llm_api_key", "judge_api_key", "embed_api_key")
    changed = {name: getattr(settings, name) or shared_key for name in keys}
    is_cloud = (settings.store or "").startswith("chroma-cloud:")
    if is_cloud and not settings.store_api_key and (key := variables.get("CHROMA_API_KEY")):
        changed["store_api_key"] = SecretStr(key)
    return settings.model_copy(update={"home": settings.home.expanduser().absolute(), **changed})


def revealed(value: SecretStr | None) -> str | None:
    """A secret in the clear, for who sends it."""
    return value.get_secret_value() if value else None


def _require_known(given: str, name: str) -> None:
    """Raise SettingsError where no setting has the name, which was given in some way."""
    known = list(Settings.model_fields)
    if name in known:
        return
    options = known if given[0].islower() else [f"BYLINE_{one.upper()}" for one in known]
    near = difflib.get_close_matches(given, options, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(options)}"
    raise SettingsError(f"There is no setting {given}: {hint}")


def _require_consistent(settings: Settings) -> None:
    """Raise SettingsError where one setting makes no sense beside another."""
    for name in ("llm_base_url", "judge_base_url", "embed_base_url"):
        _require_addresses(name, getattr(settings, name))
    if settings.llm_base_url and not settings.llm:
        raise SettingsError("llm_base_url is set without llm: name the model with BYLINE_LLM.")
    if settings.judge_base_url and not settings.judge:
        raise SettingsError("judge_base_url is set without judge: name it with BYLINE_JUDGE.")
    judge = settings.judge or ""
    if judge.startswith("nli:") and not judge[4:].startswith(("http://", "https://")):
        raise SettingsError("judge nli: needs the address of an entailment server: nli:http://...")
    own = (settings.llm, settings.llm_base_url)
    if settings.judge and (settings.judge, settings.judge_base_url) == own:
        raise SettingsError(
            f"judge is {settings.judge}, the model that answers: name another with BYLINE_JUDGE, "
            "for a model does not check itself."
        )


def keep_ray_still() -> None:
    """Have Ray, which reads the environment, send no statistics, nor start by itself again."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")


def _require_addresses(name: str, given: str | None) -> None:
    """Raise SettingsError where a setting holds something else than addresses, each once."""
    addresses = listed(given)
    if given is not None and not addresses:
        raise SettingsError(f"{name} holds no address: give one, or leave it unset.")
    for address in addresses:
        try:
            parts = urlsplit(address)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_address &= parts.port != 0 and not (len(addresses) > 1 and parts.query)
        except ValueError:
            is_address = False
        if not is_address:
            raise SettingsError(
                f"{name} holds '{shown(address)}': give http:// or https:// addresses, "
                "with a comma between two."
            )
        if addresses.count(address) > 1:
            raise SettingsError(f"{name} holds {address} twice: name each endpoint once.")
