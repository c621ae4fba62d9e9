"""What a profile makes of the default reader."""

import pytest

from adapters.message import Colour, Reader
from bot.readers import Profile


@pytest.mark.parametrize(
    ("default", "profile", "expected"),
    [
        # whoever chooses Chinese reads Beijing's time, as the settings' own Chinese reader does
        (Reader(lang="en", colour=Colour.US, tz="UTC"), Profile(lang="zh"), ("zh", "Asia/Shanghai")),
        # a zone that was set for everybody stays
        (Reader(lang="en", colour=Colour.US, tz="Asia/Tokyo"), Profile(lang="zh"), ("zh", "Asia/Tokyo")),
        # a zone of one's own wins
        (
            Reader(lang="en", colour=Colour.US, tz="UTC"),
            Profile(lang="zh", tz="Europe/Berlin"),
            ("zh", "Europe/Berlin"),
        ),
    ],
)
def test_the_zone_follows_the_language_unless_it_is_set(
    default: Reader, profile: Profile, expected: tuple[str, str]
) -> None:
    """Language, then zone."""
    found = profile.over(default)
    assert expected == (found.lang, found.tz)
