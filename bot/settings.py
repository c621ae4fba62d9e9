"""Settings: one YAML file, overridden by the environment. Secrets come from the environment only.

``TAPEWATCH_FEEDS__FARSIDE__BASE_URL`` sets ``feeds.farside.base_url``; a list is written with commas. A
secret ``TELEGRAM_TOKEN`` may instead be given as ``TELEGRAM_TOKEN_FILE``, the path of a file that holds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import available_timezones

from platformdirs import user_config_path, user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)

from adapters.message import Colour, Reader
from bot.feeding.settings import NAMES, FeedSettings, known
from bot.operations.retention import RetentionSettings
from bot.routing.settings import Duration, RoutingSettings
from rules.loading import yaml_source
from rules.model import Lang
from rules.problems import Problem, ProblemsFound, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PREFIX = "TAPEWATCH_"
RESERVED = {"TAPEWATCH_CONFIG", "TAPEWATCH_HOME"}
SECRETS = ("TELEGRAM_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_URL", "SOSOVALUE_API_KEY", "CMC_API_KEY",
    "COINGECKO_API_KEY")  # fmt: skip
NAMED_SECRETS = ("WEBHOOK_NAME_URL", "WEBHOOK_NAME_SECRET", "APPRISE_NAME_URL")
"""Any number of each; the name in lower case is the destination's, as in ``webhook:name``."""
_NAMED_SECRET = re.compile(r"(WEBHOOK|APPRISE)_([A-Z0-9_]+)_(URL|SECRET)(_FILE)?")


DEFAULT_ZONES: Mapping[Lang, str] = {"en": "UTC", "zh": "Asia/Shanghai"}


def _listed(value: object) -> object:
    """In the environment a list is written with commas."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_listed)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReaderSettings(_Section):
    """How the terminal and channels without settings of their own are written to."""

    lang: Lang = "en"
    colour: Colour | None = None
    tz: str = ""
    """IANA name; without one, Chinese is read in Shanghai and English in UTC."""

    @field_validator("tz")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name and name not in available_timezones():
            guess = nearest(name, available_timezones())
            raise ValueError(f"{name!r} is not an IANA time zone" + (f"; did you mean {guess}?" if guess else ""))
        return name

    def reader(self, lang: Lang | None = None) -> Reader:
        """The reader, in ``lang`` if given; Chinese readers see red as up unless ``colour`` says otherwise."""
        lang = lang or self.lang
        return Reader(lang=lang, colour=self.colour or default_colour(lang), tz=self.tz or DEFAULT_ZONES[lang])


class AccessSettings(_Section):
    """Who may use the bot; identities are ``telegram:ID`` and ``slack:ID``."""

    open: bool = False
    admins: Texts = ()
    analysts: Texts = ()
    viewers: Texts = ()
    chats: Texts = ()


class FileSettings(_Section):
    """Figures and dates of the desk's own, read beside what the feeds bring."""

    events: Paths = ()
    """YAML files in the form of the bundled calendar."""
    calendars: Paths = ()
    """iCalendar files; times without a zone are in ``reader.tz``."""
    earnings: Paths = ()
    """Dates of results, which go before those of every source."""
    flows: Path | None = None
    """A CSV of bitcoin's ETF flows in millions of USD, asked after every other source."""
    crypto: Path | None = None
    """A CSV of earlier days' market figures, as CoinMarketCap would have given them."""


class DigestSettings(_Section):
    """The weekly digest and the morning brief; a list of destinations that is empty is that of the alerts."""

    editors: Texts = ()
    """Who gets the draft, with the buttons that approve and publish it."""
    team: Texts = ()
    layout: Path | None = None
    """A layout of the desk's own, in place of the shipped weekly."""
    slots: Path | None = None
    """The folder with analysts' words: ``2024-W44/view.md``, else ``view.md``, for the slot ``view``."""
    tables: Path | None = None
    """The folder with vendors' tables: ``figures.csv``, and by week ``2024-W44/gainers.csv``."""
    draft_after: Duration = timedelta(minutes=30)
    """After the last close of the week."""
    publish_after: Duration = timedelta(hours=6)
    unattended: bool = False
    """Publish a draft that nobody approved."""
    brief: bool = True
    brief_to: Texts = ()
    brief_at: time = time(8)
    """On the clocks of ``reader.tz``, from Monday to Friday."""


class WebSettings(_Section):
    """Where the ``web`` role listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65_535)
    """0 takes a free one."""


class WebhookSecrets(_Section):
    """Where a webhook is, and what signs for it; both are needed."""

    url: SecretStr | None = None
    secret: SecretStr | None = None


class Secrets(_Section):
    """What the environment alone may hold."""

    telegram_token: SecretStr | None = None
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    redis_url: SecretStr | None = None
    sosovalue_api_key: SecretStr | None = None
    cmc_api_key: SecretStr | None = None
    coingecko_api_key: SecretStr | None = None
    webhooks: Mapping[str, WebhookSecrets] = {}
    apprise: Mapping[str, SecretStr] = {}


class Settings(_Section):
    """Everything that can be configured."""

    home: Path = Field(default_factory=lambda: user_data_path("tapewatch", appauthor=False))
    universe: Path | None = None
    rules: Paths = ()
    """Packs beside the shipped ones: files or folders."""
    builtin_rules: bool = True
    reader: ReaderSettings = ReaderSettings()
    destinations: Texts = ()
    """Where alerts go when no route says otherwise, as ``telegram:CHAT`` or ``slack:CHANNEL``."""
    routing: RoutingSettings = RoutingSettings()
    retention: RetentionSettings = RetentionSettings()
    access: AccessSettings = AccessSettings()
    digest: DigestSettings = DigestSettings()
    web: WebSettings = WebSettings()
    feeds: Mapping[Annotated[str, AfterValidator(known)], FeedSettings] = {}
    files: FileSettings = FileSettings()
    sec_contact: str = ""
    """Name and e-mail for the SEC's User-Agent; its service refuses requests without one."""
    telegram_base_url: str = "https://api.telegram.org"
    slack_base_url: str = "https://slack.com/api/"
    secrets: Secrets = Field(default=Secrets(), exclude=True)
    _file: Path | None = PrivateAttr(default=None)

    @property
    def read_at_start(self) -> Sequence[Path]:
        """The files that are read at the start alone: these settings, the universe and the digest's layout."""
        return [each for each in (self._file, self.universe, self.digest.layout) if each]


def default_colour(lang: Lang) -> Colour:
    """The convention of the language's readers."""
    return Colour.CN if lang == "zh" else Colour.US


def source_of(path: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file that the settings come from; only the platform's own may be absent."""
    named = path or (Path(environ["TAPEWATCH_CONFIG"]) if environ.get("TAPEWATCH_CONFIG") else None)
    return named or user_config_path("tapewatch", appauthor=False) / "config.yaml"


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings file and the environment; raise ``ProblemsFound`` with every mistake in them.

    The file is ``path``, else ``TAPEWATCH_CONFIG``, else ``config.yaml`` in the platform's configuration folder, which
    alone may be absent.
    """
    source = source_of(path, environ)
    tree, places = _read(source) if path or environ.get("TAPEWATCH_CONFIG") or source.exists() else ({}, {})
    if "secrets" in tree:
        said = "secrets can't be set here; wanted environment variables such as TELEGRAM_TOKEN or TELEGRAM_TOKEN_FILE"
        raise ProblemsFound([Problem(*places["secrets",], "secret-in-file", said)])
    _overlay(tree, places, environ)
    tree["secrets"] = _secrets(environ)
    for name, key in (("TELEGRAM_BASE_URL", "telegram_base_url"), ("SLACK_BASE_URL", "slack_base_url")):
        if environ.get(name):
            tree[key] = environ[name]
    if environ.get("TAPEWATCH_HOME"):
        tree["home"] = Path(environ["TAPEWATCH_HOME"]).expanduser().absolute()
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise ProblemsFound(_problem(item, places) for item in error.errors()) from None
    settings._file = source  # noqa: SLF001 - known here alone
    return settings


_KEY = "[key]"
"""Where pydantic puts a mistake in a key."""
KeyPath = tuple[str, ...]
Places = dict[KeyPath, tuple[str, int, int]]
"""Where each key stands: file, line and column, or the variable that sets it."""


def _read(source: Path) -> tuple[dict[str, Any], Places]:
    """The file as plain data, and where each of its keys stands."""
    node, problems = yaml_source.read(str(source), source.read_bytes())
    if problems:
        raise ProblemsFound(problems)
    if node is None:
        return {}, {}
    if not isinstance(node, yaml_source.Mapping):
        wanted = "the settings are a mapping of sections such as reader: and feeds:"
        raise ProblemsFound([Problem(str(source), 1, 1, "not-a-mapping", wanted)])
    places: Places = {}
    return _plain(str(source), node, (), places), places


def _plain(file: str, node: yaml_source.Node, path: KeyPath, places: Places) -> Any:
    match node:
        case yaml_source.Mapping():
            found = {}
            for key, (name, value) in node.entries.items():
                places[*path, key] = (file, name.line, name.column)
                found[key] = _plain(file, value, (*path, key), places)
            return found
        case yaml_source.Items():
            return [_plain(file, item, (*path, str(index)), places) for index, item in enumerate(node.items)]
        case _:
            return node.resolved


def _overlay(tree: dict[str, Any], places: Places, environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        *sections, leaf = name.removeprefix(PREFIX).lower().split("__")
        branch = tree
        for depth, section in enumerate(sections, start=1):
            branch = branch.setdefault(section, {})
            places.setdefault(tuple(sections[:depth]), (name, 1, 1))
            if not isinstance(branch, dict):
                wanted = f"{section!r} is not a section with keys of its own"
                raise ProblemsFound([Problem(name, 1, 1, "not-a-section", wanted)])
        branch[leaf] = value
        places[*sections, leaf] = (name, 1, 1)


def _secrets(environ: Mapping[str, str]) -> dict[str, Any]:
    known = ((name.lower(), _secret(name, environ)) for name in SECRETS)
    found: dict[str, Any] = {name: value for name, value in known if value}
    webhooks: dict[str, dict[str, str]] = {}
    apprise: dict[str, str] = {}
    for named in filter(None, map(_NAMED_SECRET.fullmatch, environ)):
        kind, name, part = named[1], named[2].lower(), named[3].lower()
        value = _secret(f"{kind}_{named[2]}_{named[3]}", environ)
        if value and kind == "WEBHOOK":
            webhooks.setdefault(name, {})[part] = value
        elif value and part == "url":
            apprise[name] = value
    return {**found, "webhooks": webhooks, "apprise": apprise}


def _secret(name: str, environ: Mapping[str, str]) -> str:
    """The value of ``name``, or what the file holds that ``name_FILE`` names; ``""`` for neither."""
    if not environ.get(name) and (path := environ.get(f"{name}_FILE")):
        return _secret_in(f"{name}_FILE", Path(path))
    return environ.get(name, "")


def _secret_in(variable: str, path: Path) -> str:
    """What the file holds; an error names the variable and never quotes the file."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        said = f"{path} can't be read: {error.strerror}; wanted a file that holds the secret"
    except UnicodeDecodeError:
        said = f"{path} is no text; wanted a file that holds the secret"
    else:
        if secret:
            return secret
        said = f"{path} is empty; wanted a file that holds the secret"
    raise ProblemsFound([Problem(variable, 1, 1, "unreadable-secret", said)])


def _problem(error: ErrorDetails, places: Places) -> Problem:
    """A validation error, at the nearest place of the file or of the environment."""
    path = tuple(str(part) for part in error["loc"])
    unknown = error["type"] == "extra_forbidden" or path[-1] == _KEY
    path = path[:-1] if path[-1] == _KEY else path
    name = ".".join(path)
    unset = (PREFIX + "__".join(path).upper(), 1, 1)
    place = next((places[path[:end]] for end in range(len(path), 0, -1) if path[:end] in places), unset)
    if unknown:
        return Problem(*place, "unknown-key", f"unknown setting {name}", nearest(path[-1], _keys(path[:-1])))
    given = "" if isinstance(error["input"], dict) else f" (got {error['input']!r})"
    return Problem(*place, "bad-value", f"{name}: {error['msg'].removeprefix('Value error, ')}{given}")


def _keys(path: KeyPath) -> Iterable[str]:
    """The settings that the section at ``path`` knows."""
    if path[:1] == ("feeds",):
        return FeedSettings.model_fields if len(path) == 2 else NAMES
    model: type[BaseModel] = Settings
    for part in path:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ()
        model = annotation
    return model.model_fields
