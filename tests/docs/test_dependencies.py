import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_dependency_has_a_reason() -> None:
    """Each package that pyproject.toml asks for is named, with a reason, in the record of dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    groups += [project["dependency-groups"][name] for name in ("build", "dev")]
    asked = {re.split(r"[<>=;! \[]", item)[0] for group in groups for item in group}
    record = (ROOT / "docs/decisions/dependencies.md").read_text()
    named = {name for row in re.findall(r"^\| ([^|]+) \|", record, re.M) for name in row.split(", ")}
    assert asked - named == set()


def test_lock_is_hashed_and_names_no_index() -> None:
    """Every locked package carries a hash, and no lock file says where to download from."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        pins = re.findall(r"^[A-Za-z0-9_.-]+==.*(?:\n    --hash.*)*", text, re.M)
        assert pins
        assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
