from pathlib import Path

import pytest
import yaml

from adapters.chat.slack import EVENTS
from tests.fakes.slack_server import SCOPES

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load((ROOT / "slack-manifest.yaml").read_text())


def test_the_manifest_asks_for_every_scope_that_is_used() -> None:
    """A missing scope would be found only by the first reader who needs it."""
    assert set(SCOPES.values()) - set(MANIFEST["oauth_config"]["scopes"]["bot"]) == set()


def test_the_manifest_subscribes_to_what_is_listened_to() -> None:
    """An event that isn't subscribed never comes; one that nobody hears is noise."""
    subscribed = {event.partition(".")[0] for event in MANIFEST["settings"]["event_subscriptions"]["bot_events"]}
    assert subscribed == set(EVENTS)


def test_the_manifest_needs_no_public_address() -> None:
    """Socket Mode is on, for events and for buttons."""
    settings = MANIFEST["settings"]
    assert (settings["socket_mode_enabled"], settings["interactivity"]["is_enabled"]) == (True, True)
    assert "request_url" not in str(MANIFEST)


def test_the_manifest_is_within_slacks_limits() -> None:
    """Names and descriptions are bounded, and a callback id is a verb."""
    features = MANIFEST["features"]
    assert len(MANIFEST["display_information"]["name"]) <= 35
    assert all(len(shortcut["name"]) <= 24 for shortcut in features["shortcuts"])
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == ["why", "mute", "replay"]
    assert all(command["command"][1:].islower() for command in features["slash_commands"])
    assert all(len(command["description"]) <= 2000 for command in features["slash_commands"])


@pytest.mark.parametrize(
    ("guide", "settings"),
    [
        ("connect-slack.md", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_BASE_URL", "slack-manifest.yaml"]),
        ("connect-telegram.md", ["TELEGRAM_TOKEN", "TELEGRAM_BASE_URL", "HTTPS_PROXY", "/tg_info"]),
    ],
)
def test_a_guide_names_every_setting_of_its_service(guide: str, settings: list[str]) -> None:
    """Whoever follows it needs nothing else."""
    text = (ROOT / "docs" / guide).read_text()
    assert [setting for setting in settings if setting not in text] == []
