"""A desk's own layout: what it leaves out is the shipped one's, and every mistake is told with its place."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from adapters.message import Reader
from bot.digest import html
from bot.digest.chat import message
from bot.digest.data import Imported, ImportedMove
from bot.digest.layout_file import parse_layout, shipped_layout
from bot.reference.recording import recording
from rules.problems import ProblemsFound
from rules.universe import Universe
from tests.bot.digest.kit import digest_of, flow, paragraph

SHORT = "version: 1\ntitle: {en: Semis daily, zh: 半导体日报}\nsections:\n  - {id: a, title: A, figures: [1, 30]}\n"
OWN = (
    SHORT
    + """\
companies:
  - {figure: 30, symbol: NVDA, fiscal_quarters_ahead: 1}
indices:
  - {key: SOX, symbol: ^SOX}
top: 3
slots:
  - {name: view, title: {en: View, zh: 观点}, required: true}
"""
)


def test_what_a_layout_leaves_out_is_as_shipped(universe: Universe) -> None:
    """Only title and sections must be there; comparisons of indices that are gone go with them."""
    layout = parse_layout("own.yaml", OWN, universe)
    shipped = shipped_layout()
    assert (layout.figures, layout.top, layout.comparisons) == (frozenset({1, 30}), 3, ())
    assert (layout.capex, layout.etf, layout.languages) == (shipped.capex, shipped.etf, shipped.languages)
    assert layout.companies[0].fiscal_shift == 1
    assert layout.indices[0].short == {"en": "SOX", "zh": "SOX"}


def test_a_desks_own_layout_makes_its_own_page(universe: Universe) -> None:
    """Its title, its sections, its company's table, and nothing else."""
    page = html.render(digest_of(universe, [], layout=OWN), Reader(lang="zh"))
    assert "半导体日报" in page
    assert "英伟达主要财务指标" in page
    assert 'id="figure-17"' not in page


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "own.yaml:1:1: the file is empty; a layout starts with `version: 1`"),
        ("version: 2\ntitle: T\nsections: []\n", "own.yaml:1:10: a layout starts with `version: 1`"),
        ("version: 1\nsections: []\n", "own.yaml:1:1: a layout has no 'title'"),
        (SHORT.replace("30", "3") + "tpo: 5\n", "own.yaml:5:1: a layout has no key 'tpo'; did you mean top?"),
        (SHORT, "own.yaml:4:36: there is no figure '30'; there are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,"),
        (SHORT.replace("30", "1"), "own.yaml:4:36: figure 1 stands in the layout twice"),
        (OWN.replace("^SOX", "^SOXX"), "own.yaml:8:24: the universe has no symbol '^SOXX'; did you mean ^SOX?"),
        (OWN.replace("^SOX", "费半"), "own.yaml:8:24: the universe has no symbol '费半'; did you mean ^SOX?"),
        (
            OWN + "coverage: covrage\n",
            "own.yaml:12:11: the universe has no list 'covrage'; a list is a tag of its instruments, such as ai, "
            "ai_apps, autos, cloud; did you mean coverage?",
        ),
        (OWN + "comparisons: [[SOX, NDX]]\n", "own.yaml:12:15: no index has the key 'NDX'"),
        (OWN + "comparisons: [[SOX]]\n", "own.yaml:12:15: a comparison is two keys of indices, such as [SOX, NDX]"),
        (OWN + "provider: coinmarketcp\n", "own.yaml:12:11: provider is one of coinmarketcap, coingecko"),
        (OWN + "languages: [fr]\n", "own.yaml:12:12: a language is en or zh, not 'fr'"),
        (OWN.replace("top: 3", "top: none"), "own.yaml:9:6: top: wanted a whole number from 1 to 99, not 'none'"),
        (OWN.replace("figure: 30", "figure: 7"), "own.yaml:6:5: figure 7 is taken; give the company another number"),
        (OWN.replace("ahead: 1", "ahead: 4"), "own.yaml:6:55: fiscal_quarters_ahead: a fiscal year runs 0 to 3"),
        (OWN + "languages: []\n", "own.yaml:12:12: a digest has at least one language, en or zh"),
        (OWN + "etf: {asset: DOGE}\n", "own.yaml:12:14: there are spot ETFs of BTC and ETH, not of 'DOGE'"),
        (OWN.replace("name: view", "name: ../x"), "own.yaml:11:12: a slot's name is letters, digits"),
        (OWN + "  - {name: view}\n", "own.yaml:12:12: a slot 'view' is there already"),
        (OWN + "  - {name: risks, figure: 77}\n", "own.yaml:12:27: there is no figure 77"),
        (SHORT + "  - {id: a, title: B, figures: []}\n", "own.yaml:5:10: a section 'a' is there already"),
        (OWN.replace("required: true", "required: maybe"), "own.yaml:11:55: 'required' must be true or false"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(universe: Universe, text: str, problem: str) -> None:
    """File, line, column, what is wrong, and the nearest name."""
    with pytest.raises(ProblemsFound) as raised:
        parse_layout("own.yaml", text, universe)
    assert problem in {str(found)[: len(problem)] for found in raised.value.problems}, str(raised.value)


def test_all_mistakes_are_told_at_once(universe: Universe) -> None:
    """Three slips, three problems."""
    text = OWN.replace("^SOX", "^SXO").replace("top: 3", "top: 0") + "covrage: coverage\n"
    with pytest.raises(ProblemsFound) as raised:
        parse_layout("own.yaml", text, universe)
    assert [found.line for found in raised.value.problems] == [8, 9, 12]


def test_the_documented_layout_is_a_digest(universe: Universe) -> None:
    """The page's example says nothing but what its sections show."""
    page = (Path(__file__).parents[3] / "docs" / "digest.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    week = recording(universe)
    digest = digest_of(universe, (*week.history, *week.observations), layout=example)
    assert sorted(digest.figures) == [1, 2, 3, 12, 18, 22]
    assert [part.name for part in digest.paragraphs] == ["indices", "movers", "flows"]
    assert {key.partition(".")[0] for key in digest.facts} == {"index", "rel", "equity", "etf"}
    assert digest.figures[2].rows[0]["name"]["en"] == "Marvell"
    said = html.render(digest, Reader(lang="en"))
    assert "Semiconductors" in said
    assert "Bitcoin" not in said


def test_the_funds_may_hold_ether(universe: Universe) -> None:
    """Titles, sentences and the launch are those of what the layout names."""
    layout = f"{SHORT.replace('30', '19')}etf: {{asset: ETH, days: 5, named: []}}\n"
    flows = [replace(item, series="etf_flows.ETH.total") for item in (flow(date(2024, 10, 31), 5.0),)]
    digest = digest_of(universe, flows, layout=layout)
    assert digest.figures[19].title["en"] == "US spot ether ETFs: cumulative net flow since 23 Jul 2024"
    assert "US spot ether ETFs so far this week: +$5.0M" in paragraph(digest, "flows")


def test_a_list_without_changes_is_not_filled_from_another(universe: Universe) -> None:
    """A chat's line on the coverage never shows what came from outside."""
    imported = Imported("Wind", date(2024, 11, 1), gainers=(ImportedMove("RMBS", {"en": "R", "zh": "R"}, "10"),))
    digest = digest_of(universe, [], imported=imported)
    lines = [line for line in message(digest, "en").blocks[0].lines if line[0].text == "Coverage"]
    assert [len(line) > 1 and line[1].text for line in lines] in ([], ["　—"])
