"""How each function of the catalogue is computed, one module a group."""

from rules.functions import calendar, data, edges, returns, sets, windows
from rules.functions.base import Builder

BUILDERS: dict[str, Builder] = {
    **returns.BUILDERS,
    **windows.BUILDERS,
    **edges.BUILDERS,
    **sets.BUILDERS,
    **data.BUILDERS,
    **calendar.BUILDERS,
}
