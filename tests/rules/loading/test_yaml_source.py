"""YAML 1.2 with positions: what is read, what is refused, and where each character stands."""

from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rules.loading import yaml_source
from rules.loading.yaml_source import Items, Mapping, Node, Scalar, read


def plain(node: Node | None) -> Any:
    """Turn nodes into dicts, lists and values."""
    if isinstance(node, Scalar):
        return node.resolved
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, (_, value) in node.entries.items()} if node else None


def scalar(text: str, key: str = "k") -> Scalar:
    """Read the scalar under ``key``."""
    node, problems = read("f.yaml", text)
    assert problems == []
    assert isinstance(node, Mapping)
    found = node.get(key)
    assert isinstance(found, Scalar)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),  # YAML 1.1 would say true
        ("NO", "NO"),
        ("yes", "yes"),
        ("16:30", "16:30"),  # and 990
        ("73_000", "73_000"),
        ("0123", 123),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("~", None),
        ("", None),
        ("-1.5e3", -1500.0),
        ("2024-11-01", "2024-11-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        (".inf", ".inf"),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """Only null, true, false and numbers are more than texts."""
    resolved = scalar(f"k: {text}\n").resolved
    assert (type(value), value) == (type(resolved), resolved)


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("a: 1\na: 2\n", (2, 1), "duplicate-key"),
        ("a: {b: 1, b: 2}\n", (1, 11), "duplicate-key"),
        ("a: !!python/object/apply:os.system [x]\n", (1, 4), "tag"),
        ("? [1, 2]\n: 3\n", (1, 3), "key"),
        ("a: *nowhere\n", (1, 4), "alias"),
        ("a: &a [*a]\n", (1, 8), "alias"),
        ("a: 1\n<<: 3\n", (2, 5), "merge"),
        ("a:\n\t- 1\n", (2, 1), "tab"),
        ("a: [1, 2\nb: 3\n", (2, 2), "syntax"),
        ("a: b: c\n", (1, 5), "syntax"),
        ("a: 1\n---\nb: 1\n", (2, 1), "several-documents"),
        ("a: x\x00y\n", (1, 5), "character"),
        ("a: x\u2028y\n", (1, 5), "character"),
        ("[" * 50, (1, 42), "too-deep"),
        ("[" * 1_000_000, (1, 42), "too-deep"),
        ("- " * 200_000, (1, 83), "too-deep"),
        ("a: \ud800", (1, 4), "encoding"),
    ],
)
def test_slips_are_located(text: str, place: tuple[int, int], code: str) -> None:
    """Each has a line, a column and a stable code."""
    _, problems = read("f.yaml", text)
    assert [("f.yaml", *place, code)] == [(each.file, each.line, each.column, each.code) for each in problems]


def test_bytes_that_are_no_utf_8_are_located() -> None:
    """A file saved in another encoding says where it goes wrong."""
    _, problems = read("f.yaml", "a: 1\nb: 中".encode("gb18030"))
    assert [str(each) for each in problems] == ["f.yaml:2:4: byte 0xD6 isn't UTF-8; save it as UTF-8"]


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    """Ten megabytes are the limit."""
    _, problems = read("f.yaml", b"a" * 10_000_001)
    assert [each.code for each in problems] == ["file-too-large"]


def test_aliases_and_merges_work() -> None:
    """A merged key yields to the mapping's own, and keeps its place at the anchor."""
    node, problems = read("f.yaml", "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nall: [*b, *b]\n")
    assert problems == []
    assert plain(node) == {"base": {"x": 1, "y": 2}, "use": {"y": 3, "x": 1}, "all": [{"x": 1, "y": 2}] * 2}


def test_an_alias_bomb_is_refused() -> None:
    """Nine levels of nine aliases would be 387 million values."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    _, problems = read("f.yaml", "\n".join(lines))
    assert [each.code for each in problems] == ["alias-bomb"]


def test_empty_files_hold_nothing() -> None:
    """Nothing, a comment and a lone marker are all empty, with or without a byte order mark."""
    assert [read("f.yaml", text) for text in ("", "# nothing\n", "---\n", "\ufeff")] == [(None, [])] * 4


def test_positions_of_each_style() -> None:
    """An expression's characters are found in plain, quoted, folded and literal scalars."""
    text = "\n".join([
        "plain: SOX < 1 and",
        "  NDX > 2",
        "single: 'it''s SOX'",
        'double: "a\\tSOX \\u4e2d x"',
        "folded: >-",
        "  first",
        "  SOX line",
        "",
        "  after",
        "literal: |  # comment",
        "    one",
        "    SOX two",
    ])  # fmt: skip
    source = "\ufeff" + text
    found = {key: scalar(source, key) for key in ("plain", "single", "double", "folded", "literal")}
    assert found["plain"].positions[found["plain"].value.index("NDX")] == (2, 3)
    assert found["single"].positions[found["single"].value.index("SOX")] == (3, 16)
    assert found["double"].positions[found["double"].value.index("SOX")] == (4, 13)
    assert found["double"].positions[found["double"].value.index("中")] == (4, 17)
    assert found["folded"].positions[found["folded"].value.index("SOX")] == (7, 3)
    assert found["folded"].positions[found["folded"].value.index("after")] == (9, 3)
    assert found["literal"].positions[found["literal"].value.index("SOX")] == (12, 5)


WORDS = st.text(st.sampled_from("ab中é#:'\"\\-_😀 \t\n"), max_size=24)


def assert_placed(found: Scalar, source: str) -> None:
    """Each character that is not a blank stands in the file where its position says, or an escape does."""
    lines = source.split("\n")
    assert len(found.value) + 1 == len(found.positions)
    for character, (line, column) in zip(found.value, found.positions[:-1], strict=True):
        there = lines[line - 1][column - 1 : column]
        if not character.isspace():
            assert character == there or (found.style == '"' and there == "\\")
        else:
            assert there in (character, "", "\\", "\r")


@settings(max_examples=300, deadline=None)
@given(
    value=WORDS, style=st.sampled_from(["'", '"', "|", ">", None]), width=st.integers(4, 40), depth=st.integers(1, 3)
)
@example(value="a\n\n  b\n", style=">", width=10, depth=1)
def test_every_character_maps_back_to_the_file(value: str, style: str | None, width: int, depth: int) -> None:
    """Whatever an emitter writes, each character of the value is found at its position."""
    data: Any = {"k": value, "z": "z"}
    for _ in range(depth):
        data = {"o": data}
    source = yaml.dump(data, default_style=style, width=width, allow_unicode=True, indent=2)
    assume(yaml.safe_load(source) == data)  # PyYAML's emitter breaks some escapes when it wraps a line
    node, problems = read("f.yaml", source)
    assert problems == []
    for _ in range(depth):
        assert isinstance(node, Mapping)
        node = next(entry[1] for key, entry in node.entries.items() if key == "o")
    assert isinstance(node, Mapping)
    found = node.get("k")
    assert isinstance(found, Scalar)
    assert value == found.value
    assert_placed(found, source)
    if value.strip():
        assert any(place != (found.line, found.column) or index == 0 for index, place in enumerate(found.positions))


LINES = st.lists(st.text(st.sampled_from("ab 中#:\t"), max_size=6), min_size=1, max_size=6)


@settings(max_examples=400, deadline=None)
@given(lines=LINES, header=st.sampled_from([">", ">-", ">+", "|", "|-", "|+", ">2", "|2-"]), newline=st.booleans())
def test_block_scalars_are_followed_through_folds(lines: list[str], header: str, newline: bool) -> None:
    """Blank lines, deeper lines and every way to end a block keep their places."""
    source = f"k: {header}\n" + "\n".join(f"  {line}" for line in lines) + "\n" * newline
    node, problems = read("f.yaml", source)
    if problems:
        return
    assert isinstance(node, Mapping)
    found = node.get("k")
    assert isinstance(found, Scalar)
    assert_placed(found, source)


FLOW = st.text(st.sampled_from("ab \n\t中"), min_size=1, max_size=16)


@settings(max_examples=400, deadline=None)
@given(body=FLOW, quote=st.sampled_from(["'", '"', ""]), windows=st.booleans())
def test_flow_scalars_are_followed_over_lines(body: str, quote: str, windows: bool) -> None:
    """Line folding in quoted and plain scalars keeps places, with either kind of line end."""
    source = f"k: {quote}{body.replace(chr(10), chr(10) + ' ')}{quote}\n"
    source = source.replace("\n", "\r\n") if windows else source
    node, problems = read("f.yaml", source)
    if problems or not isinstance(node, Mapping) or not isinstance(found := node.get("k"), Scalar):
        return
    assert_placed(found, source)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#,? \n\t<"), max_size=60))
def test_reading_never_raises(content: bytes | str) -> None:
    """Any bytes give a node or located problems."""
    node, problems = read("f.yaml", content)
    assert node is None or isinstance(node, Scalar | Items | Mapping)
    assert all(each.line >= 1 and each.column >= 1 and each.message for each in problems)


def test_resolve_is_the_core_schema() -> None:
    """A number too long for Python's own conversion is no crash."""
    assert float("inf") == yaml_source.resolve("9" * 5_000)
