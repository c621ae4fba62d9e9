"""A digest is drafted, reviewed, published once and corrected, whatever crashes in between."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.message import Colour, Reader
from adapters.store.port import Commit, OutboxEntry, StoreUnavailable
from bot.digest.data import DigestData, ObservedData
from bot.digest.flow import Edition, Known, Outcome, Publisher, Stage, Timetable
from bot.digest.layout import Layout
from bot.digest.layout_file import parse_layout, shipped_layout
from bot.payload import unpack
from bot.reference.imported import digest_data, imported
from bot.reference.recording import FRIDAY, Recording, recording
from rules.calendars import Calendars
from rules.model import Observation
from rules.universe import Universe

CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
SATURDAY = datetime(2024, 11, 2, 2, 30, tzinfo=UTC)
NAME = "2024-W44"


class Store:
    """Documents and an outbox in memory that commit as one, take a key once per destination, and can be down."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], str] = {}
        self.sent: dict[tuple[str, str], OutboxEntry] = {}
        self.down = False

    async def get(self, collection: str, key: str) -> str | None:
        """The document, or ``None``."""
        return self.documents.get((collection, key))

    async def put(self, collection: str, key: str, document: str | None) -> None:
        """Write the document."""
        assert document is not None
        self.documents[collection, key] = document

    async def all(self, collection: str) -> Mapping[str, str]:
        """The collection."""
        return {key: document for (name, key), document in self.documents.items() if name == collection}

    async def cursor(self) -> str:
        """The start."""
        return "0"

    async def alerts(self) -> Mapping[str, str]:
        """No alerts."""
        return {}

    async def commit(self, commit: Commit) -> None:
        """Everything, or nothing when down."""
        if self.down:
            raise StoreUnavailable("down")
        for entry in commit.outbox:
            self.sent.setdefault((entry.key, entry.destination), entry)
        for key, document in (commit.documents or {}).items():
            assert document is not None
            self.documents[key] = document


@pytest.fixture(scope="module")
def week(universe: Universe) -> Recording:
    """The recorded week."""
    return recording(universe)


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store()


def publisher(
    store: Store, folder: Path, universe: Universe, *, layout: Layout | None = None, unattended: bool = False,
    file_formats: Sequence[str] = ("json",),
) -> Publisher:  # fmt: skip
    """A publisher that writes only the cheapest format."""
    return Publisher(
        documents=store,
        states=store,
        archive=folder,
        universe=universe,
        layout=layout or shipped_layout(),
        calendars=Calendars(),
        readers={"en": Reader(), "zh": Reader(lang="zh", colour=Colour.CN, tz="Asia/Shanghai")},
        editors=["slack:editors"],
        team=["slack:team", "telegram:desk"],
        timetable=Timetable(unattended=unattended),
        file_formats=file_formats,
    )


def known_at(week: Recording, now: datetime) -> DigestData:
    """The week as it was known at ``now``."""
    return ObservedData((*week.history, *week.observations), week.events, now, imported())


def _always(data: DigestData) -> Known:
    """What is known, whenever it is asked for."""

    async def known(_: datetime) -> DigestData:
        return data

    return known


async def test_a_draft_goes_to_the_editors_with_buttons_and_once(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """The same content is not sent again; the buttons name the edition."""
    desk = publisher(store, tmp_path, universe)
    assert await desk.draft(digest_data(week), FRIDAY, CLOSE) is Outcome.DRAFTED
    assert await desk.draft(digest_data(week), FRIDAY, CLOSE + timedelta(hours=1)) is Outcome.UNCHANGED
    ((key, destination), entry) = next(iter(store.sent.items()))
    assert (len(store.sent), key, destination) == (1, f"digest:{NAME}:draft:1", "slack:editors")
    assert f"digest:approve:{NAME}" in entry.payload
    assert "草稿，待审阅" in entry.payload


async def test_a_draft_with_new_figures_is_sent_anew(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Friday's flows arrive in the night, so the second draft differs and needs approval again."""
    desk = publisher(store, tmp_path, universe)
    await desk.draft(known_at(week, CLOSE + timedelta(minutes=30)), FRIDAY, CLOSE)
    await desk.approve(NAME, "Li")
    assert await desk.draft(digest_data(week), FRIDAY, SATURDAY) is Outcome.DRAFTED
    assert [key for key, _ in store.sent] == [f"digest:{NAME}:draft:1", f"digest:{NAME}:draft:2"]
    edition = await desk.edition(NAME)
    assert edition is not None
    assert (edition.stage, edition.approved_by) == (Stage.DRAFT, "")


async def test_it_is_published_once_to_every_destination_with_its_files(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """A second publication does nothing; the archive holds the message and the files."""
    desk = publisher(store, tmp_path, universe, file_formats=("html", "json"))
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    store.sent.clear()
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.PUBLISHED
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.ALREADY_PUBLISHED
    assert await desk.draft(digest_data(week), FRIDAY, SATURDAY) is Outcome.ALREADY_PUBLISHED
    assert list(store.sent) == [(f"digest:{NAME}:1", "slack:team"), (f"digest:{NAME}:1", "telegram:desk")]
    archived = await desk.last()
    assert archived is not None
    assert archived.messages["zh"].summary == "海外科技与加密周报 2024/10/28–11/01（第44周）"
    assert all(Path(path).exists() for paths in archived.files.values() for path in paths)
    assert (tmp_path / NAME / "1" / f"{NAME}-zh.html").exists()


async def test_a_crash_between_files_and_messages_is_made_good(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Nothing of a failed step remains in the store, and its repetition tells everybody once."""
    desk = publisher(store, tmp_path, universe)
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    store.sent.clear()
    store.down = True
    with pytest.raises(StoreUnavailable):
        await desk.publish(digest_data(week), FRIDAY, SATURDAY)
    edition = await desk.edition(NAME)
    assert (edition.stage if edition else None, store.sent) == (Stage.DRAFT, {})
    store.down = False
    again = publisher(store, tmp_path, universe)
    assert await again.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.PUBLISHED
    assert len(store.sent) == 2


async def test_two_processes_that_publish_at_once_tell_everybody_once(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Both may pass the check of the stage; the outbox's keys are the same."""
    first, second = publisher(store, tmp_path, universe), publisher(store, tmp_path, universe)
    await first.draft(digest_data(week), FRIDAY, CLOSE)
    before = store.documents["digests", NAME]
    store.sent.clear()
    await first.publish(digest_data(week), FRIDAY, SATURDAY)
    store.documents["digests", NAME] = before
    await second.publish(digest_data(week), FRIDAY, SATURDAY)
    assert len(store.sent) == 2


async def test_an_empty_required_slot_holds_publication_back_until_it_is_filled(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """An analyst's words stand in the published page, as they are."""
    text = "version: 1\ntitle: W\nsections: []\nslots:\n  - {name: view, required: true}\n"
    layout = parse_layout("own.yaml", text, universe)
    desk = publisher(store, tmp_path, universe, layout=layout, file_formats=("html",))
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.EMPTY_SLOTS
    assert await desk.fill(NAME, "veiw", "x") is Outcome.NO_SUCH_SLOT
    assert await desk.fill(NAME, "view", "Own <b>semis</b>") is Outcome.FILLED
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.PUBLISHED
    page = (tmp_path / NAME / "1" / f"{NAME}-en.html").read_text(encoding="utf-8")
    assert "Own &lt;b&gt;semis&lt;/b&gt;" in page


async def test_a_correction_edits_the_message_and_says_why(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Only changed content is corrected, each time as a new version that edits the one before."""
    desk = publisher(store, tmp_path, universe)
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    assert await desk.correct(digest_data(week), NAME, "x", SATURDAY) is Outcome.NOT_PUBLISHED
    await desk.publish(digest_data(week), FRIDAY, SATURDAY)
    assert await desk.correct(digest_data(week), NAME, "x", SATURDAY) is Outcome.UNCHANGED
    revised = Observation("etf_flows.BTC.total", CLOSE, SATURDAY, -55.9e6, source="Farside")
    data = ObservedData((*week.history, *week.observations, revised), week.events, SATURDAY, imported())
    assert await desk.correct(data, NAME, "Farside revised Friday", SATURDAY) is Outcome.CORRECTED
    payload = unpack(store.sent[f"digest:{NAME}:2", "slack:team"].payload)
    assert payload.edits == f"digest:{NAME}:1"
    assert "Corrected (version 2): Farside revised Friday" in str(payload.messages["en"])


@pytest.mark.parametrize(
    ("now", "approved", "unattended", "outcome"),
    [
        (CLOSE + timedelta(minutes=29), False, False, Outcome.NOT_DUE),  # before the draft's time
        (CLOSE + timedelta(minutes=31), False, False, Outcome.UNCHANGED),  # drafted already in this test
        (CLOSE + timedelta(hours=5), True, False, Outcome.NOT_DUE),  # approved, but not time yet
        (CLOSE + timedelta(hours=6), True, False, Outcome.PUBLISHED),
        (CLOSE + timedelta(hours=6), False, False, Outcome.NOT_DUE),  # nobody approved
        (CLOSE + timedelta(hours=6), False, True, Outcome.PUBLISHED),  # nobody need approve
        (CLOSE + timedelta(days=2), True, False, Outcome.PUBLISHED),  # Sunday, after a night down
    ],
)
async def test_the_clock_drafts_and_publishes(
    store: Store, tmp_path: Path, universe: Universe, week: Recording, now: datetime, approved: bool, unattended: bool,
    outcome: Outcome,
) -> None:  # fmt: skip
    """Times count from the close of the week's last session."""
    desk = publisher(store, tmp_path, universe, unattended=unattended)
    data = digest_data(week)
    await desk.draft(data, FRIDAY, CLOSE)
    if approved:
        await desk.approve(NAME, "Li")
    found = await desk.tick(_always(data), now)
    assert found is (Outcome.NOT_DUE if outcome is Outcome.UNCHANGED else outcome)


async def test_editors_get_a_new_draft_when_fridays_flows_are_final_and_not_before(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """The first draft is made with flows missing; ticks in between send nothing."""
    desk = publisher(store, tmp_path, universe)

    async def known(now: datetime) -> DigestData:
        return known_at(week, now)

    night = datetime(2024, 11, 2, tzinfo=UTC)
    moments = [CLOSE + timedelta(minutes=30), night, night + timedelta(minutes=50), night + timedelta(minutes=100),
        night + timedelta(minutes=110)]  # fmt: skip
    outcomes = [await desk.tick(known, moment) for moment in moments]
    assert outcomes[0] is Outcome.DRAFTED
    assert outcomes[3:] == [Outcome.DRAFTED, Outcome.NOT_DUE]
    payload = store.sent[f"digest:{NAME}:draft:{outcomes.count(Outcome.DRAFTED)}", "slack:editors"].payload
    assert "outflow only on Fri" in payload


async def test_a_week_that_ends_on_thursday_is_drafted_on_thursday(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Good Friday 2024: New York's last session is Thursday 28 March."""
    desk = publisher(store, tmp_path, universe)
    thursday = datetime(2024, 3, 28, 20, 31, tzinfo=UTC)
    known = _always(digest_data(week))
    assert await desk.tick(known, thursday - timedelta(minutes=2)) is Outcome.NOT_DUE
    assert await desk.tick(known, thursday) is Outcome.DRAFTED
    assert (await desk.edition("2024-W13") or Edition(name="", week_end=date.min)).week_end == date(2024, 3, 29)
