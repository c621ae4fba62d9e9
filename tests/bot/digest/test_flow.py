"""A digest is drafted, reviewed, published once and corrected, whatever crashes in between."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.message import Colour, Reader
from adapters.store.port import StoreUnavailable
from bot.digest.data import DigestData, ObservedData
from bot.digest.edition import Edition, Stage
from bot.digest.flow import Inputs, Known, Outcome, Publisher, Timetable
from bot.digest.layout import Layout
from bot.digest.layout_file import parse_layout, shipped_layout
from bot.reference.imported import digest_data, imported
from bot.reference.recording import FRIDAY, Recording, recording
from bot.sending.payload import unpack
from rules.calendars.sessions import Calendars
from rules.model import Observation
from rules.universe import Universe
from tests.bot.digest.kit import MemoryStore as Store

CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
SATURDAY = datetime(2024, 11, 2, 2, 30, tzinfo=UTC)
NAME = "2024-W44"


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
    file_formats: Sequence[str] = ("json",), slots: Path | None = None, inputs: Inputs | None = None,
    tables: Path | None = None,
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
        slots_folder=slots,
        tables_folder=tables,
        inputs=inputs,
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
    first, second = f"digest:{NAME}:draft:1", f"digest:{NAME}:draft:2"
    assert [key for key, _ in store.sent] == [first, f"{first}:mark", second]
    mark = unpack(store.sent[f"{first}:mark", "slack:editors"].payload)
    assert (mark.mark, mark.edits, mark.messages["en"].buttons) == (True, first, ())
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
    assert list(store.sent) == [
        (f"digest:{NAME}:1{part}", to) for to in ("slack:team", "telegram:desk") for part in ("", ":file:1")
    ]
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
    """Who comes second finds it published."""
    first, second = publisher(store, tmp_path, universe), publisher(store, tmp_path, universe)
    await first.draft(digest_data(week), FRIDAY, CLOSE)
    store.sent.clear()
    store.meanwhile.append(lambda: second.publish(digest_data(week), FRIDAY, SATURDAY))
    assert await first.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.ALREADY_PUBLISHED
    assert len(store.sent) == 2


async def test_words_that_two_people_write_at_once_are_both_kept(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Who is overtaken writes on top of what the other one left; nothing is approved unseen."""
    desk = publisher(store, tmp_path, universe)
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    store.meanwhile.append(lambda: desk.fill(NAME, {"view": "Own semis"}, CLOSE))
    assert await desk.fill(NAME, {"risks": "Export rules"}, CLOSE) is Outcome.FILLED
    assert await desk.words(FRIDAY) == {"view": "Own semis", "risks": "Export rules"}
    store.meanwhile.append(lambda: desk.fill(NAME, {"reasons": "Results"}, CLOSE))
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.REDRAFTED
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.PUBLISHED
    edition = await desk.edition(NAME)
    assert edition is not None
    assert sorted(edition.words) == ["reasons", "risks", "view"]


REQUIRED = "version: 1\ntitle: W\nsections: []\nslots:\n  - {name: view, required: true, title: {en: View, zh: 观点}}\n"


async def test_an_empty_required_slot_holds_publication_back_until_it_is_filled(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """The editors are told which, once; an analyst's words stand in the published page, as they are."""
    layout = parse_layout("own.yaml", REQUIRED, universe)
    desk = publisher(store, tmp_path, universe, layout=layout, file_formats=("html",))
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    store.sent.clear()
    for _ in range(2):
        assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.EMPTY_SLOTS
    assert list(store.sent) == [(f"digest:{NAME}:lacks:view", "slack:editors")]
    assert f"/digest fill {NAME} view TEXT" in store.sent[f"digest:{NAME}:lacks:view", "slack:editors"].payload
    assert await desk.fill(NAME, {"veiw": "x"}, SATURDAY) is Outcome.NO_SUCH_SLOT
    assert await desk.fill(NAME, {"view": "Own <b>semis</b>"}, SATURDAY) is Outcome.FILLED
    assert await desk.tick(_always(digest_data(week)), SATURDAY) is Outcome.NOT_DUE  # it reminds of the approval
    assert await desk.tick(_always(digest_data(week)), SATURDAY) is Outcome.DRAFTED
    assert await desk.publish(digest_data(week), FRIDAY, SATURDAY) is Outcome.PUBLISHED
    page = (tmp_path / NAME / "1" / f"{NAME}-en.html").read_text(encoding="utf-8")
    assert "Own &lt;b&gt;semis&lt;/b&gt;" in page


async def test_words_may_come_before_the_draft_and_after_publication(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Only for a week that has begun and isn't long over; what comes late goes out with a correction."""
    desk = publisher(store, tmp_path, universe)
    for name in ("2024-W45", "2024-W41"):
        assert await desk.fill(name, {"view": "x"}, CLOSE) is Outcome.NO_DRAFT
    assert await desk.fill(NAME, {"view": "Own semis"}, CLOSE - timedelta(days=1)) is Outcome.FILLED
    assert await desk.approve(NAME, "Li") is Outcome.NO_DRAFT
    assert await desk.publish(digest_data(week), FRIDAY, CLOSE) is Outcome.NO_DRAFT
    assert await desk.tick(_always(digest_data(week)), CLOSE + timedelta(hours=1)) is Outcome.DRAFTED
    assert "Own semis" in (tmp_path / NAME / "draft-1" / f"{NAME}-en.json").read_text(encoding="utf-8")
    await desk.publish(digest_data(week), FRIDAY, SATURDAY)
    assert await desk.fill(NAME, {"view": "Own clouds"}, SATURDAY) is Outcome.FILLED_LATE
    assert await desk.correct(digest_data(week), NAME, "another view", SATURDAY) is Outcome.CORRECTED


async def test_new_words_take_an_approval_back(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """What the editor approved is what is published, whether words come from chat or from files."""
    slots = tmp_path / "slots"
    slots.mkdir()
    desk = publisher(store, tmp_path, universe, slots=slots)
    known = _always(digest_data(week))
    assert await desk.tick(known, CLOSE + timedelta(hours=1)) is Outcome.DRAFTED
    await desk.approve(NAME, "Li")
    (slots / "view.md").write_text("Own semis", encoding="utf-8")
    assert await desk.tick(known, SATURDAY) is Outcome.REDRAFTED
    edition = await desk.edition(NAME)
    assert edition is not None
    assert (edition.stage, edition.words) == (Stage.DRAFT, {"view": "Own semis"})
    await desk.approve(NAME, "Li")
    assert await desk.tick(known, SATURDAY) is Outcome.PUBLISHED


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
        (CLOSE + timedelta(days=4), True, False, Outcome.PUBLISHED),  # Tuesday: it was approved late
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


async def test_a_waiting_draft_is_computed_again_only_when_an_input_has_changed(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """Nothing is read as long as figures and tables stay as they were; within the hour, that is."""
    read: list[datetime] = []
    state = ["1"]

    async def known(now: datetime) -> DigestData:
        read.append(now)
        return known_at(week, CLOSE + timedelta(minutes=40))

    async def inputs() -> str:
        return state[0]

    tables = tmp_path / "tables"
    tables.mkdir()
    desk = publisher(store, tmp_path, universe, inputs=inputs, tables=tables)
    now = CLOSE + timedelta(minutes=42)
    assert await desk.tick(known, now) is Outcome.DRAFTED
    reads = [len(read)]
    for change in (None, None, "figures", None, "table", None):
        now += timedelta(minutes=2)
        if change == "figures":
            state[0] = "2"
        elif change == "table":
            (tables / "figures.csv").write_text("series,date,value\n", encoding="utf-8")
        assert await desk.tick(known, now) is Outcome.NOT_DUE
        reads.append(len(read))
    assert reads == [1, 2, 2, 3, 3, 4, 4]
    assert await desk.tick(known, now + timedelta(hours=1)) is Outcome.NOT_DUE
    assert len(read) == 5


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


async def test_a_draft_is_made_good_on_monday_but_no_later(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """A bot that was down over the weekend drafts the week before; one that is set up on Tuesday doesn't."""
    desk = publisher(store, tmp_path, universe)
    known = _always(digest_data(week))
    assert await desk.tick(known, CLOSE + timedelta(days=3)) is Outcome.NOT_DUE
    assert await desk.tick(known, CLOSE + timedelta(days=3, minutes=-1)) is Outcome.DRAFTED


async def test_editors_are_reminded_once_of_what_nobody_approved(
    store: Store, tmp_path: Path, universe: Universe, week: Recording
) -> None:
    """At the time of publication, with the buttons."""
    desk = publisher(store, tmp_path, universe)
    known = _always(digest_data(week))
    await desk.draft(digest_data(week), FRIDAY, CLOSE)
    for hours in (5, 6, 7):
        assert await desk.tick(known, CLOSE + timedelta(hours=hours)) is Outcome.NOT_DUE
    assert [key for key, _ in store.sent] == [f"digest:{NAME}:draft:1", f"digest:{NAME}:waits"]
    assert f"digest:publish:{NAME}" in store.sent[f"digest:{NAME}:waits", "slack:editors"].payload
