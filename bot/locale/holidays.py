"""What the holidays that close a market are called in Chinese; the English line about a closed market names none."""

from __future__ import annotations

from collections.abc import Mapping

from rules.model import Lang

_CHINESE: Mapping[str, str] = {
    "buddha": "佛诞", "ching_ming": "清明节", "christmas": "圣诞节", "christmas_first": "圣诞节后首个工作日",
    "christmas_second": "圣诞节后第二个工作日", "chung_yeung": "重阳节", "dragon_boat": "端午节",
    "easter_monday": "复活节星期一", "establishment": "香港特别行政区成立纪念日", "good_friday": "耶稣受难日",
    "independence": "独立日", "juneteenth": "六月节", "king": "马丁·路德·金日", "labor": "劳工节", "labour": "劳动节",
    "lunar_new_year_1": "农历年初一", "lunar_new_year_2": "农历年初二", "lunar_new_year_3": "农历年初三",
    "lunar_new_year_4": "农历年初四", "memorial": "阵亡将士纪念日", "mid_autumn": "中秋节",
    "mid_autumn_second": "中秋节后第二日", "national": "国庆日", "new_year": "元旦", "presidents": "总统日",
    "thanksgiving": "感恩节",
}  # fmt: skip
_FORMS: Mapping[str, str] = {"": "", "next": "翌日", "observed": "补假"}


def holiday_name(key: str, lang: Lang) -> str:
    """``重阳节翌日`` for the key ``chung_yeung.next``; ``""`` where it has no name in ``lang``."""
    festival, _, form = key.partition(".")
    if lang != "zh" or festival not in _CHINESE:
        return ""
    return _CHINESE[festival] + _FORMS[form]
