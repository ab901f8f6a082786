"""Words that tell how the names and dates in a question are meant; folded (core/wording.py)."""

from __future__ import annotations

from photosd.core import wording


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(wording.fold, words.split()))


PLACE_BEFORE = _folded("in at near from to around inside ליד באזור ב ל מ מול")
PERSON_BEFORE = _folded("with עם אצל את")
NAMED_AFTER = _folded("with עם אצל של")  # a name that is also a thing
OWNER_BEFORE = _folded("of by של")
BEFORE = PLACE_BEFORE | PERSON_BEFORE | OWNER_BEFORE
ARTICLES = _folded("the")
# Removed from the rest next to a part that was taken out: at its end, and at its beginning.
DANGLING = (
    BEFORE
    | ARTICLES
    | _folded("and but on for & a an during both either neither גם וגם ו ה ש על אבל en em im")
)
LEADING = _folded("and with of the & ו עם של")
BEFORE_THE = _folded("in at on from")
# If a question has only these besides conditions, nothing is left to look for.
ABOUT_PHOTOS = _folded(
    "photo photos photograph photographs picture pictures pic pics image images snapshot snapshots"
    " all my our me us the of from in at with show find every any some taken where when who what"
    " which whom is are was were did do does i we you please"
    " everything everyone anything anyone"
    " תמונה תמונות תמונת צילום צילומים כל שלי שלנו את של עם מ ב הראה חפש"
    " התמונה התמונות הצילום הצילומים איפה היכן מתי מי מה היה הייתה היו"
    " הכל הכול כולם היינו כשהיינו שהיינו עשינו בהן בהם שבהן שבהם"
)
# They are also names of people, and codes of countries: read only where spelled as names.
SPEAKER = _folded("me us")
FUNCTION_WORDS = SPEAKER | _folded(
    "a am an are as at be by can do for from has he her him i id in is it la ma my no of on or our"
    " she so the them they this to up was we were with you your"
)
# Before a value: its photos are not wanted.
NEGATIONS = _folded(
    "not no non without except excluding but never minus isnt arent wasnt outside neither nor"
    " ohne sans sin לא בלי ללא חוץ מלבד למעט אין מחוץ ולא ובלי וללא וחוץ ומלבד ולמעט ואין ומחוץ"
    " שלא שבלי שללא שאין שמחוץ"
    " אינו אינה אינם אינן איננו איננה שאינו שאינה שאינם שאינן שאיננו שאיננה"
)
# Those that surely exclude what follows: "but Noa is behind" does not.
EXCLUDING = _folded(
    "not without except excluding minus neither nor ohne sans sin לא בלי ללא חוץ מלבד למעט"
    " ולא ובלי וללא וחוץ ומלבד ולמעט שלא שבלי שללא"
    " אינו אינה אינם אינן איננו איננה שאינו שאינה שאינם שאינן שאיננו שאיננה"
)
OUTSIDE = _folded("outside מחוץ ומחוץ שמחוץ")  # exclude places
ALTERNATIVES = _folded("or nor או")
JOINING = ALTERNATIVES | _folded("and & ו")
