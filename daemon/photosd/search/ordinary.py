"""Words that are names of people or places, and also of things that photos show.

``rose``, ``May``, ``ים``: a question with one of them may describe a look, so the word ranks photos
and excludes none (docs/explanation/how-search-works.md).
"""

from __future__ import annotations

import functools

from photosd.core import wording
from photosd.models.spec import STARTER

NAMES = frozenset({"michael"})  # in the word list of the starter model, and nothing else
ENGLISH = frozenset(
    """amber angel april art august autumn basil bay beau bill blossom brook brooke buck buddy
    bud candy carol cherry chip clay cliff colt crystal daisy dawn destiny dolly drew duke
    dusty ebony eve faith fern flora forest frank gene ginger goldie grace guy harmony hazel
    heather heaven herb holly honey hope hunter iris ivy jade jasmine jean jewel jewels joy
    june king lane laurel lily lotus lucky magnolia mark marina mason may melody merry misty
    mobile myrtle nice nova olive opal orchid pansy pat patience pearl penny pepper petunia
    piper poppy prince princess queen rain ray red river rob robin rocky rod rose rosemary
    ruby rusty sage sandy sky skye sonny star stone storm summer sunny tiger tommy trinity
    turkey valentine victory violet will willow winter wolf reading bath cork split bergamo
    champagne cologne buffalo phoenix orange sandwich bounty limerick hamburg march""".split()  # noqa: SIM905 (readable)
)
HEBREW = frozenset(
    """אגם אביב אור אורן אילן איל אלון אלמוג אופק אריה ארז אש בר ברוש ברכה ברק גל גן גפן גור דב
    דבורה דגן דקל דליה הדס הדר הר ורד זאב זית חיים חן חול חורף טל יונה יולי יוני ים יעל
    יסמין ירח כוכב כלנית כפיר כרמל לביא לילך לב מאי מגדל מטר מלך מלכה מעיין מרגלית נהר נחל
    ניצן ניר נמר נסיכה נר נרקיס נוף סתיו סביון סיגלית סלע סער ספיר ענבל ענן עופר עמק פז
    פנינה פרח צבי צור צפורה קיץ קשת רוח רימון רעם רקפת שבת שדה שושנה שחר שי שיר שירה שלג
    שלום שמחה שמש שני שקד שקיעה תמר תקווה אדר ניסן סיון תמוז אלול ראשון תומר נטע באר עין גיא
    אבן שדרות בן בת לי לו
    מעלות רמות אופקים אורים שמיר""".split()  # noqa: SIM905
)
# Those that after "with" hardly describe a photo.
MOSTLY_NAMES = frozenset(
    """may april june august jean gene grace frank pat drew carol dolly melody eve faith
    יעל תמר אורן אלון ארז אילן ניר תומר נטע הדס הדר דליה שיר שירה שי ענבל יונה דבורה
    סביון ספיר אופק שחר ניצן מעיין אביב סתיו חן חיים גיא יסמין טל גל מאי לי""".split()  # noqa: SIM905
)
# Hebrew words that begin like a prefix before a name: שרון is not ש-רון.
UNPREFIXED = frozenset(
    """שרון כדור שגיא מאור ליאור מירון מרון לירון מאיה מיה לבן לבנה שלי כלב כלבים לילה לילד מדן
    משה שירן ליעד ליעוז לינוי ליהי ליאם ליאן ליאת לוטם מורן מורד מילה מתן מרינה מרים מגן מגל
    מטל כרם שמואל שאול שגית לאה לאון לונדון מדריד מוסקבה לוקה מקסים מעין ויקטור ויולט ורדה
    לוד כיסא שולחן כרית מכונית מטבח מים מגש לחם שיער שועל ודאי""".split()  # noqa: SIM905
)


@functools.cache
def english_words() -> frozenset[str]:
    """The words that the starter model knows: what photos show."""
    return frozenset((STARTER / "words.txt").read_text("utf-8").split())


@functools.cache
def ordinary_words() -> frozenset[str]:
    """Every such word, folded (core/wording.py)."""
    return (english_words() - NAMES) | ENGLISH | frozenset(map(wording.fold, HEBREW))


@functools.cache
def mostly_names() -> frozenset[str]:
    """MOSTLY_NAMES, folded."""
    return frozenset(map(wording.fold, MOSTLY_NAMES))


@functools.cache
def unprefixed() -> frozenset[str]:
    """UNPREFIXED, folded."""
    return frozenset(map(wording.fold, UNPREFIXED))
