"""Words around a date that change its meaning: older than 2019, around 2019, the week of 31 May.

Such a date is not read in a question, because as a filter it would hide the wanted photos.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from photosd.search.dates.periods import DAY, Period
from photosd.search.dates.tokens import Token, fold


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(fold, words.split()))


BEFORE = _folded(
    "around circa ca about approximately approx roughly almost nearly towards by than other apart"
    " prior earlier older newer later pre post over under least most"
    " סביב בסביבות בערך לקראת קודם מוקדם מאוחר טרום שלא מתחילת מראשית מאמצע מסוף"
)
AFTER = _folded("excluded earlier older now present ומעלה ומטה ואחורה ולפני עכשיו כה")
JOINING, EARLIER = _folded("and or ו או"), _folded("before prior לפני")
SIGNS = tuple("<>~≈≤≥±=")
PARTS = _folded("beginning start end early late middle mid תחילת ראשית אמצע סוף")
ARTICLES = _folded("the very of ממש של . -")
OPENING = _folded("from since until till to up before after by מאז עד ועד לפני אחרי")
SKIPPED = ARTICLES | (OPENING - BEFORE) | _folded("in and or מ ל ב")
LONGER = _folded("week weekend month שבוע השבוע בשבוע חודש")
# Words before a word of a date with which it means something else: hot spring.
COMPOUNDS = {
    "march": _folded("protest women women's womens pride peace death wedding funeral"),
    "spring": _folded("hot water coil box mattress"),
    "fall": _folded("water free night rain"),
    "q": _folded("audi"),
    "today": _folded("usa"),
    "אביב": _folded("תל בתל לתל מתל ותל שבתל"),
}
# Before a number: not a year.
NUMBERED = _folded(
    "img dsc dscn dscf pxl mvi vid gopr no nr number room route bus line flight highway model"
    " windows office peugeot bmw mazda episode chapter page level version v # № $ € £ ₪"
    " חדר קו כביש מספר טיסה פיג'ו דגם עמוד פרק"
)
# After a month: the year 2018, or the 18th: in May 18.
SHORT_YEAR_OR_DAY = re.compile(r"\s['’]?\d\d(?![\w.:/%-])")
MEASURES = _folded(
    "m meter meters metre metres km miles mile feet foot ft kg g gram grams px pixels rpm cc mah"
    " w watt watts volt volts steps calories dollars euros shekels pieces people persons children"
    " men women years days hours times % ° $ € £ ₪ מטר מטרים קילומטר קמ שקל שקלים צעדים איש אנשים"
    " ילדים קלוריות חתיכות שנה שנים ימים שעות פעמים דולר יורו"
)


def is_other(
    text: str, tokens: Sequence[Token], start: int, end: int, period: Period, after: int
) -> bool:
    """Whether the words around the date in tokens ``start`` to ``end`` change its meaning.

    ``after``: the token after the last date.
    """
    before = [one.text for one in reversed(tokens[:start])]
    word = next((one for one in before if one not in SKIPPED), "")
    behind = next((one.text for one in tokens[end:] if one.text not in SKIPPED), "")
    if word in BEFORE or behind in AFTER:
        return True
    joining, following = [*(one.text for one in tokens[end : end + 2]), "", ""][:2]
    if joining in JOINING and following in EARLIER:  # 2019 or before
        return True
    near = [one for one in before if one not in ARTICLES][:2]
    if len(near) == 2 and near[0] in PARTS and near[1] in OPENING:  # until the end of 2019
        return True
    if text[: tokens[start].start].rstrip()[-1:] in SIGNS or text[tokens[end - 1].end :][:1] == "+":
        return True
    if period.begin is None or period.end is None:
        return False
    if (length := period.end - period.begin) > DAY:
        month = length <= 31 * DAY and not tokens[end - 1].text.isdecimal()
        return month and SHORT_YEAR_OR_DAY.match(text, tokens[end - 1].end) is not None
    return word in LONGER or (after == start > 0)  # a year ago today
