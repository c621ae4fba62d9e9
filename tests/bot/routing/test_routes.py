"""The route tree and its configuration."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bot.routing.routes import Matcher, facts_of, targets
from bot.routing.settings import RoutingSettings
from rules.model import Severity
from tests.bot.routing_kit import UNIVERSE, transition

SETTINGS = RoutingSettings.model_validate(
    {
        "to": "slack:ALL",
        "group_wait": "30s",
        "routes": [
            {"match": {"severity": "critical"}, "to": ["telegram:1"], "repeat": "4h", "continue": True},
            {
                "match": {"tag": ["crypto", "etf"]},
                "to": "slack:CRYPTO",
                "silent": True,
                "routes": [{"match": {"rule": "btc-*", "symbol": "!COIN"}, "to": ["slack:BTC"], "silent": False}],
            },
            {"match": {"list": "ai"}, "group_by": ["rule"]},
        ],
    }
)
TREE = SETTINGS.tree(("console:",))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["slack:ALL"]),  # nothing matches: the root
        ({"severity": Severity.CRITICAL}, ["telegram:1"]),  # a match that continues, with no other match
        ({"severity": Severity.CRITICAL, "tags": ("etf",)}, ["telegram:1", "slack:CRYPTO"]),  # continue asks siblings
        ({"tags": ("crypto",)}, ["slack:CRYPTO"]),  # the inner node where no child matches
        ({"tags": ("crypto",), "rule": "btc-73k"}, ["slack:BTC"]),  # the deepest match alone
        ({"tags": ("crypto",), "rule": "btc-73k", "labels": {"symbol": "COIN"}}, ["slack:CRYPTO"]),  # a negated pattern
        ({"labels": {"symbol": "NVDA"}}, ["slack:ALL"]),  # matched by universe list, destination inherited
    ],
    ids=["root", "continue", "both", "inner", "deepest", "negated", "list"],
)
def test_a_transition_goes_where_the_tree_says(changes, expected):
    """Depth first; the first child that matches ends the search among siblings unless it continues."""
    found = targets(TREE, facts_of(transition(**{"tags": (), **changes}), UNIVERSE))
    assert expected == [target.destination for target in found]


def test_options_are_inherited_and_overridden():
    """A child has its parent's options except those that it states."""
    (inner,) = targets(TREE, {"tag": frozenset({"crypto"}), "rule": frozenset({"btc-73k"})})
    assert (timedelta(seconds=30), False) == (inner.options.group_wait, inner.options.silent)
    (outer,) = targets(TREE, {"tag": frozenset({"crypto"})})
    assert (timedelta(seconds=30), True) == (outer.options.group_wait, outer.options.silent)
    (listed,) = targets(TREE, {"list": frozenset({"ai"})})
    assert ("rule",) == listed.options.group_by


def test_a_target_says_which_route_led_to_it():
    """The path names the matchers from the root down."""
    (target,) = targets(TREE, {"tag": frozenset({"crypto"}), "rule": frozenset({"btc-73k"})})
    assert "everything > tag=crypto,etf > rule=btc-* symbol=!COIN" == target.path


def test_a_destination_is_reached_once_by_the_first_route():
    """Two routes to one destination send one message, as the first of them says."""
    tree = RoutingSettings.model_validate(
        {"routes": [{"to": "console:", "continue": True, "silent": True}, {"to": "console:"}]}
    ).tree(())
    (target,) = targets(tree, {})
    assert target.options.silent


def test_without_settings_everything_goes_to_the_default():
    """An empty section routes everything to the configured destinations."""
    assert ["console:"] == [target.destination for target in targets(RoutingSettings().tree(("console:",)), {})]


def test_never_ends_an_inherited_repetition():
    """``repeat: never`` in a child takes back what the parent repeats."""
    tree = RoutingSettings.model_validate(
        {"to": "console:", "repeat": "1h", "routes": [{"match": {"severity": "info"}, "repeat": "never"}]}
    ).tree(())
    assert [timedelta(hours=1)] == [target.options.repeat for target in targets(tree, {})]
    assert [None] == [target.options.repeat for target in targets(tree, {"severity": frozenset({"info"})})]


@pytest.mark.parametrize(
    ("patterns", "values", "expected"),
    [
        (("btc-*",), {"btc-73k"}, True),
        (("btc-*",), {"sox"}, False),
        (("a", "b"), {"b", "c"}, True),  # one of the values, one of the patterns
        (("!a",), {"b"}, True),  # nothing refused is there
        (("!a",), {"a", "b"}, False),
        (("b", "!a"), {"a", "b"}, False),  # wanted, but refused too
        (("a",), set(), False),  # an unknown fact matches no pattern
        (("!a",), set(), True),
        (("^SOX",), {"^SOX"}, True),  # no regular expression
        (("[A]",), {"^SOX"}, False),
    ],
)
def test_a_matcher_reads_patterns(patterns, values, expected):
    """``*`` and ``?`` are wild, ``!`` refuses."""
    assert expected == Matcher({"name": patterns}).matches({"name": frozenset(values)})


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"group_wait": "soon"}, "'soon' is not a duration; wanted a number and s, m, h or d"),
        ({"quiet": "late"}, "'late' are not quiet hours; wanted HH:MM-HH:MM"),
        ({"quiet": "23:00-25:00"}, "are not quiet hours"),
        ({"budget": "20"}, "'20' is not a noise budget; wanted COUNT/DURATION"),
        ({"budget": "0/1h"}, "is not a noise budget"),
        ({"inhibit": [{"source": {}, "target": {"rule": "x"}}]}, "needs a source and a target"),
        ({"routes": [{"mach": {}}]}, "Extra inputs are not permitted"),
        ({"urgent": ["loud"]}, "Input should be"),
    ],
)
def test_a_mistake_in_the_section_is_explained(section, said):
    """What is wrong and what is wanted."""
    with pytest.raises(ValidationError, match=said):
        RoutingSettings.model_validate(section)
