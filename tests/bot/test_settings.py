from pathlib import Path

import pytest

from adapters.message import Colour
from bot.settings import Settings, load
from rules.problems import Problem, ProblemsFound


def settings_of(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ)


def problems_of(tmp_path: Path, text: str, **environ: str) -> list[Problem]:
    with pytest.raises(ProblemsFound) as found:
        settings_of(tmp_path, text, **environ)
    return list(found.value.problems)


def test_an_absent_default_file_gives_the_defaults(tmp_path: Path) -> None:
    """Without a file and without an environment everything has a value."""
    settings = load(None, {"HOME": str(tmp_path), "TAPEWATCH_HOME": str(tmp_path)})
    assert settings.home == tmp_path
    assert settings.reader.reader().lang == "en"


def test_the_files_that_are_read_at_the_start_alone(tmp_path: Path) -> None:
    """The settings themselves, the universe and the layout that they name."""
    file = tmp_path / "config.yaml"
    file.write_text("universe: /desk/universe.yaml\ndigest: {layout: /desk/layout.yaml}\n", encoding="utf-8")
    assert [file, Path("/desk/universe.yaml"), Path("/desk/layout.yaml")] == load(file, {}).read_at_start


def test_a_named_file_that_is_absent_is_an_error(tmp_path: Path) -> None:
    """A file that somebody named must be there."""
    with pytest.raises(FileNotFoundError, match=r"missing\.yaml"):
        load(tmp_path / "missing.yaml", {})


def test_any_key_can_be_set_from_the_environment(tmp_path: Path) -> None:
    """TAPEWATCH_SECTION__KEY wins over the file."""
    settings = settings_of(
        tmp_path,
        "feeds:\n  farside: {base_url: 'http://a'}\n",
        TAPEWATCH_FEEDS__FARSIDE__BASE_URL="http://127.0.0.1:9000",
        TAPEWATCH_READER__LANG="zh",
        TAPEWATCH_ACCESS__OPEN="true",
    )
    assert settings.feeds["farside"].base_url == "http://127.0.0.1:9000"
    assert (settings.reader.lang, settings.access.open) == ("zh", True)


@pytest.mark.parametrize(("lang", "colour"), [("zh", Colour.CN), ("en", Colour.US)])
def test_colour_follows_the_language_unless_it_is_set(tmp_path: Path, lang: str, colour: Colour) -> None:
    """Red is up for a Chinese reader and green for an English one."""
    assert settings_of(tmp_path, f"reader: {{lang: {lang}}}").reader.reader().colour is colour
    assert settings_of(tmp_path, f"reader: {{lang: {lang}, colour: none}}").reader.reader().colour is Colour.NONE


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "words", "suggestion"),
    [
        # an unknown key, with the nearest known one of its own section
        ("reader:\n  langg: zh\n", 2, 3, "unknown-key", "reader.langg", "lang"),
        # an unknown section
        ("raeder: {}\n", 1, 1, "unknown-key", "raeder", "reader"),
        # a key of a feed
        ("feeds:\n  farside:\n    base_ulr: http://x\n", 3, 5, "unknown-key", "feeds.farside.base_ulr", "base_url"),
        # a feed or source that there isn't
        ("feeds:\n  fairside: {enabled: false}\n", 2, 3, "unknown-key", "feeds.fairside", "farside"),
        # an address without a scheme
        (
            "feeds:\n  farside:\n    base_url: farside.co.uk\n",
            3,
            5,
            "bad-value",
            "wanted one such as http://127.0.0.1:9000 (got 'farside.co.uk')",
            "",
        ),
        # a value that isn't one of those wanted
        ("reader:\n  lang: fr\n", 2, 3, "bad-value", "'fr'", ""),
        ("reader:\n  tz: Asia/Shangai\n", 2, 3, "bad-value", "did you mean Asia/Shanghai?", ""),
        # a secret has no place in a file, and is not repeated in the error
        ("secrets: {telegram_token: 1234}\n", 1, 1, "secret-in-file", "environment", ""),
        # not a mapping at all
        ("- a\n- b\n", 1, 1, "not-a-mapping", "mapping", ""),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str, line: int, column: int, code: str, words: str, suggestion: str
) -> None:
    """File, line, column, code, what is wrong and the nearest known name."""
    (problem,) = problems_of(tmp_path, text)
    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "config.yaml"), line, column)
    assert (problem.code, problem.suggestion) == (code, suggestion)
    assert words in problem.message
    assert "1234" not in problem.message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Two mistakes are two problems, in the order of the file."""
    found = problems_of(tmp_path, "reader: {lang: fr}\naccess: {opne: true}\n")
    assert [problem.line for problem in found] == [1, 2]


def test_a_mistake_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    """What doesn't stand in the file is told by the variable's name."""
    (problem,) = problems_of(tmp_path, "", TAPEWATCH_READER__LANG="fr")
    assert problem.file == "TAPEWATCH_READER__LANG"


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [("TAPEWATCH_FEEDS__FARSIDE__BASEURL", "base_url"), ("TAPEWATCH_FEEDS__FAIRSIDE__BASE_URL", "farside")],
)
@pytest.mark.parametrize("text", ["", "feeds:\n  yahoo: {enabled: false}\n"])
def test_a_misspelt_variable_is_told_with_the_nearest_name(
    tmp_path: Path, text: str, variable: str, suggestion: str
) -> None:
    """Whether or not the file has the section, the variable is the place."""
    (problem,) = problems_of(tmp_path, text, **{variable: "http://127.0.0.1:9000"})
    assert (variable, "unknown-key", suggestion) == (problem.file, problem.code, problem.suggestion)


def test_a_secret_never_prints_and_may_come_from_a_file(tmp_path: Path) -> None:
    """A token has its value where it is asked for, and nowhere else."""
    (tmp_path / "token").write_text("123:abc\n")
    settings = settings_of(tmp_path, "", TELEGRAM_TOKEN_FILE=str(tmp_path / "token"))
    assert settings.secrets.telegram_token is not None
    assert settings.secrets.telegram_token.get_secret_value() == "123:abc"
    assert "123:abc" not in repr(settings) + settings.model_dump_json()
