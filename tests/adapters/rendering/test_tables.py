from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from adapters.message import Table
from adapters.rendering.tables import table_lines


def test_columns_align_by_display_width() -> None:
    """A Chinese character takes two columns; numbers end in one column and the last text column isn't padded."""
    table = Table((("0863.HK", "OSL集团", "+14%"), ("CAN", "嘉楠科技", "-3%")), "llr")
    assert table_lines(table) == [
        "0863.HK  OSL集团   +14%",
        "CAN      嘉楠科技   -3%",
    ]


def test_text_gives_way_in_a_narrow_place_and_numbers_do_not() -> None:
    """The last text column is shortened; the number stays whole."""
    table = Table((("CAN", "+1,234.5%", "Canaan Incorporated"),), "lrl", header=("sym", "1w", "name"))
    assert table_lines(table, 21) == ["sym         1w  name", "CAN  +1,234.5%  Cana…"]


def test_a_ragged_table_is_filled_up() -> None:
    """Missing cells are blank and a missing alignment is left."""
    assert table_lines(Table((("a", "b"), ("c",)), "")) == ["a  b", "c"]
    assert table_lines(Table((), "")) == []


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), min_size=1, max_size=5))
def test_no_cell_breaks_the_columns(rows: list[list[str]]) -> None:
    """Whatever the cells hold, the right edge of a number column is the same in each line."""
    lines = table_lines(Table(tuple((*row, "1") for row in rows), "lrlr"))
    assert len({cell_len(line) for line in lines}) == 1
