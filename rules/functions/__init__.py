"""How each function of the catalogue is computed, one module a group."""

from rules.functions import data, edges, returns
from rules.functions.base import Builder

BUILDERS: dict[str, Builder] = {**returns.BUILDERS, **edges.BUILDERS, **data.BUILDERS}
