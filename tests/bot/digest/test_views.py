"""Every view shows the one document, safely and completely."""

import io
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import pytest
from icalendar import Calendar

from adapters.message import Attachment, Button, Colour, Paragraph, Reader
from adapters.rendering.plain import plain_text
from bot.charts.svg import plain_palette
from bot.digest import Digest, chat, html, ics, pdf, xlsx
from bot.digest.layout_file import shipped_layout
from rules.model import Lang, Observation
from rules.universe import Instrument, Universe
from tests.bot.digest.kit import close, digest_of, flow

READERS = {"en": Reader(tz="Asia/Shanghai"), "zh": Reader(lang="zh", colour=Colour.CN, tz="Asia/Shanghai")}
TAG = re.compile(r"<[^>]+>")


@pytest.fixture(scope="module", params=["en", "zh"])
def lang(request: pytest.FixtureRequest) -> Lang:
    """Each language."""
    chosen: Lang = request.param
    return chosen


@pytest.fixture(scope="module")
def page(digest: Digest, lang: Lang) -> str:
    """The reference week's page."""
    return html.render(digest, READERS[lang])


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    """No link, font, picture or script from elsewhere."""
    outside = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert [found for found in outside if not found.startswith("#")] == []
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_the_page_has_every_figure_with_title_source_and_anchor(page: str, digest: Digest, lang: Lang) -> None:
    """The contents lead to each of them."""
    for number, figure in digest.figures.items():
        assert f'id="figure-{number}"' in page
        assert f'href="#figure-{number}"' in page
        assert figure.title[lang].replace("'", "&#39;") in page
        assert figure.source


def test_every_chart_has_words_for_those_who_do_not_see_it(page: str) -> None:
    """Each drawing is an image with a title and a description, under ids that occur once."""
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) > 15
    for drawing in drawings:
        assert 'role="img"' in drawing
        assert re.search(r"<title[^>]*>[^<]+</title><desc[^>]*>[^<]+</desc>", drawing)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("text", ["22.20 亿美元", "212.8 亿美元", "2.5pct", "11-01（周五）"])
def test_a_line_never_breaks_between_number_and_unit(text: str) -> None:
    """Quantities and dates are bound."""
    assert html.bind(f"共 {text} 。") == f'共 <span class="q">{text}</span> 。'


@pytest.mark.parametrize("text", ["$2.22B", "+88% YoY", "7 sessions", "1 Nov", "<0.01 亿美元"])
def test_english_quantities_are_bound_too(text: str) -> None:
    """Escaping comes first."""
    escaped = text.replace("<", "&lt;")
    assert html.bind(f"so {text}.") == f'so <span class="q">{escaped}</span>.'


def test_outside_text_is_shown_and_not_run(universe: Universe) -> None:
    """A name, an analyst's words and a source that look like markup stay text, in tables and in charts."""
    evil = "<script>alert(1)</script>"
    items = [
        replace(item, name={"en": evil, "zh": evil}) if item.symbol in {"NVDA", "^SOX"} else item
        for item in universe.instruments
    ]
    days = ((date(2024, 10, 25), 100.0), (date(2024, 11, 1), 113.0))
    observations = [replace(close(s, d, p), source=evil) for s in ("NVDA", "^SOX") for d, p in days]
    page = html.render(digest_of(Universe(items), observations, slots={"view": evil}), READERS["en"])
    assert page.count("<script>") == 1
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 5


def test_no_cell_is_left_without_a_text(page: str) -> None:
    """A number that isn't there is a dash."""
    cells = re.findall(r'<td class="num[^"]*"[^>]*>(.*?)</td>', page)
    assert len(cells) > 900
    assert [cell for cell in cells if not TAG.sub("", cell).strip()] == []


@pytest.mark.parametrize(
    ("colour", "rise"), [(Colour.CN, 'data-colour="cn"'), (Colour.US, 'data-colour="us"'), (Colour.NONE, "none")]
)
def test_colours_follow_the_reader(digest: Digest, colour: Colour, rise: str) -> None:
    """The page says whose convention it follows."""
    assert rise in html.render(digest, Reader(colour=colour))


def test_the_chat_message_fits_every_service(digest: Digest, lang: Lang) -> None:
    """4,096 characters are the least that a service takes; nothing in it needs a table."""
    message = chat.message(digest, lang)
    text = "\n".join("".join(getattr(s, "text", "") for s in line) for b in message.blocks for line in lines_of(b))
    assert 800 < len(text) < 3500
    assert {"en": "SOX lags NDX by 2.5pp", "zh": "费半跑输纳指100 2.5pct"}[lang] in text
    assert {"en": "outflow only on Fri", "zh": "仅周五净流出"}[lang] in text
    assert {"en": "imported top 5 lacks 1415.HK", "zh": "外部 TOP5 与覆盖表不一致（1415.HK +13.1%）"}[lang] in text


def lines_of(block: object) -> tuple[tuple[object, ...], ...]:
    """A paragraph's lines."""
    assert isinstance(block, Paragraph)
    return block.lines


def test_clouds_and_capex_are_told_in_the_week_of_their_results(universe: Universe, digest: Digest) -> None:
    """Once: a week later they are no news, and stand in the report alone."""
    text = plain_text(chat.message(digest, "zh"), READERS["zh"])
    assert "云业务 3Q24　AWS 275.0 亿美元（同比 +19%）" in text
    assert "Intelligent Cloud 241.0 亿美元（同比 +20%）" in text
    assert "资本开支 3Q24　亚马逊 212.8 亿美元（同比 +88%）" in text
    known = datetime(2024, 10, 24, 20, tzinfo=UTC)
    filed = [
        Observation(f"fundamentals.AMZN.{field}", datetime(2024, 9, 30, 20, tzinfo=UTC), known, 2e10, source="10-Q")
        for field in ("capex", "segment_aws", "revenue")
    ]
    later = digest_of(universe, filed)
    assert later.facts["results.reported"].value == ()
    assert later.facts["capex.AMZN"].number == 2e10
    assert "3Q24" not in plain_text(chat.message(later, "zh"), READERS["zh"])


def test_what_analysts_wrote_stands_in_the_chat_message_and_what_is_empty_is_named(universe: Universe) -> None:
    """Long texts are cut to the room there is, short ones aren't; the standing text is there."""
    slots = {"view": "看好半导体。\n\n卖出其余。", "reasons": "长" * 9_000, "risks": "x" * 9_000}
    message = chat.message(digest_of(universe, [], slots=slots), "zh")
    lines = ["".join(getattr(span, "text", "") for span in line) for line in lines_of(message.blocks[0])]
    assert "投资观点　看好半导体。 卖出其余。" in lines
    assert next(line for line in lines if line.startswith("涨跌原因")).endswith("…（全文见附件）")
    assert "免责声明　本报告仅供参考，不构成投资建议。数据来自所列来源，可能不完整或有延迟。" in lines
    assert 3_000 < sum(map(len, lines)) < 3_600
    footer = "".join(getattr(span, "text", "") for span in message.footer)
    assert footer.endswith("待分析师填写：资本开支指引")


def test_the_chat_message_carries_note_files_and_buttons(digest: Digest) -> None:
    """A draft says that it is one."""
    button = ((Button("Approve", "digest:approve:2024-W44"),),)
    file = Attachment("/x/w.pdf", "w.pdf", "application/pdf")
    message = chat.message(digest, "en", attachments=[file], buttons=button, note="Draft for review")
    assert message.buttons == button
    assert message.attachments == (file,)
    assert getattr(lines_of(message.blocks[0])[0][0], "text", "") == "Draft for review"
    assert "attached: PDF" in "".join(getattr(span, "text", "") for span in message.footer)


def test_the_workbook_holds_numbers_with_formats_and_no_formula(universe: Universe, digest: Digest, lang: Lang) -> None:
    """One sheet a figure beside summary, facts and checks; a name that starts with = is a text."""
    book = zipfile.ZipFile(io.BytesIO(xlsx.render(digest, READERS[lang])))
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 1 + 21 + 2
    for name in sheets:
        root = ET.fromstring(book.read(name))
        assert root.findall(".//{*}f") == []
    indices = ET.fromstring(book.read("xl/worksheets/sheet2.xml"))
    values = [cell.findtext("{*}v") for cell in indices.findall(".//{*}c") if cell.get("t") is None]
    assert float(values[0] or 0) == 5728.8
    assert round(float(values[1] or 0), 3) == -0.014
    assert "0.0%" in book.read("xl/styles.xml").decode()


def test_a_name_that_starts_like_a_formula_stays_a_text(universe: Universe) -> None:
    """=HYPERLINK(…) from outside is not run by a spreadsheet."""
    items: list[Instrument] = [
        replace(item, name={"en": "=1+1", "zh": "=1+1"}) if item.symbol == "^SOX" else item
        for item in universe.instruments
    ]
    content = xlsx.render(digest_of(Universe(items), [close("^SOX", date(2024, 11, 1), 1.0)]), READERS["en"])
    book = zipfile.ZipFile(io.BytesIO(content))
    assert "=1+1" in book.read("xl/sharedStrings.xml").decode()
    assert all(b"<f>" not in book.read(name) for name in book.namelist())


def test_the_calendar_holds_every_event_as_whole_days(digest: Digest) -> None:
    """Expected dates are tentative; a conference ends on the day after its last, as the format wants."""
    events = Calendar.from_ical(ics.render(digest, "en")).walk("VEVENT")
    assert len(events) == 18
    by_name = {str(event["SUMMARY"]): event for event in events}
    devcon = by_name["Devcon 7 · Event"]
    assert (devcon["DTSTART"].dt, devcon["DTEND"].dt) == (date(2024, 11, 12), date(2024, 11, 16))
    assert (str(devcon["STATUS"]), str(devcon["LOCATION"])) == ("CONFIRMED", "Thailand")
    assert str(by_name["Super Micro · Results"]["STATUS"]) == "TENTATIVE"
    assert str(by_name["Super Micro · Results"]["UID"]) == "SMCI-2024Q4@tapewatch"


def test_the_pdf_is_printed_from_the_same_page(universe: Universe) -> None:
    """A short one, as printing takes its time."""
    pytest.importorskip("weasyprint", exc_type=ImportError)
    layout = "version: 1\ntitle: Short\nsections:\n  - {id: a, title: A, figures: [1, 18]}\n"
    days = ((date(2024, 10, 25), 100.0), (date(2024, 11, 1), 113.0))
    observations = [*(close("^SOX", day, price) for day, price in days), flow(date(2024, 11, 1), 5.0)]
    assert pdf.render(digest_of(universe, observations, layout=layout), READERS["en"]).startswith(b"%PDF-")


def test_on_paper_small_figures_stand_side_by_side(digest: Digest, lang: Lang) -> None:
    """Companies by two and crypto's by three, as far as they follow each other; the page is XML."""
    page = printed(digest, lang)
    rows = [[figure.get("id") for figure in row.findall("figure")] for row in page.iter("div") if "row" in classes(row)]
    assert rows == [["figure-8", "figure-9"], ["figure-10", "figure-11"], ["figure-13", "figure-14", "figure-15"]]
    contents = [[item.get("href") for item in column.iter("a")] for column in page.findall("./body/nav/ol")]
    assert [link for column in contents for link in column] == [
        *("#summary", "#markets", *figures(1, 2, 3, 4), "#clouds", *figures(5, 6, 7, 8, 9, 10, 11)),
        *("#crypto", *figures(13, 14, 15, 16, 17, 18, 19, 20), "#calendar", *figures(12, 21)),
        *("#slots", "#checks", "#sources"),
    ]
    assert 13 < len(contents[0]) < 18
    assert len(contents) == 2


def printed(digest: Digest, lang: Lang) -> ET.Element:
    """The page for paper."""
    return ET.fromstring(html.render(digest, READERS[lang], paper=plain_palette("red")))


def classes(element: ET.Element) -> list[str]:
    """What the element is for the style sheet."""
    return (element.get("class") or "").split()


def figures(*numbers: int) -> list[str]:
    """Where the contents lead."""
    return [f"#figure-{number}" for number in numbers]


def test_the_chinese_page_names_sources_and_places_in_chinese(digest: Digest) -> None:
    """As far as they are descriptions and not names."""
    chinese, english = (html.render(digest, READERS[lang]) for lang in ("zh", "en"))
    for zh, en in (
        ("Wind（周报刊载）", "Wind (printed weekly)"),
        ("公司公告（周报图5–6）", "Company filings"),
        ("泰国<", "Thailand<"),
    ):
        assert (zh in chinese, en in chinese) == (True, False)
        assert (zh in english, en in english) == (False, True)


def test_a_layout_without_texts_has_no_empty_part_for_them(universe: Universe) -> None:
    """Neither the page nor its contents."""
    layout = "version: 1\ntitle: Short\nsections:\n  - {id: a, title: A, figures: [1]}\nslots: []\n"
    assert "slots" not in re.sub(
        r"<style>.*?</style>", "", html.render(digest_of(universe, [], layout=layout), Reader())
    )


def test_without_weasyprint_the_pdf_says_what_to_install() -> None:
    """Everything else works without the extra."""
    program = """
import sys
sys.modules["weasyprint"] = None
from adapters.message import Reader
from datetime import UTC, date, datetime
from bot.digest import build, pdf
from bot.digest.data import ObservedData
from rules.universe import Universe
digest = build(ObservedData((), (), datetime(2024, 11, 2, tzinfo=UTC)), date(2024, 11, 1), Universe(()))
try:
    pdf.render(digest, Reader())
except pdf.PdfUnavailable as error:
    print(error)
heavy = [name for name in ("pandas", "matplotlib", "exchange_calendars", "yfinance") if name in sys.modules]
assert not heavy, heavy
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "no PDF: WeasyPrint isn't installed; pip install 'tapewatch[pdf]'\n"


def test_the_shipped_layout_shows_all_21_figures() -> None:
    """It is the reference weekly."""
    assert shipped_layout().figures == frozenset(range(1, 22))
