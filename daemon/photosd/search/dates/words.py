"""The words of dates in ten languages, with their meanings.

Names of months and weekdays come from Babel (Unicode's CLDR); the rest is in the tables here.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

from babel import Locale

from photosd.search.dates.holidays import HOLIDAYS
from photosd.search.dates.periods import MONDAY, SUNDAY, Unit
from photosd.search.dates.tokens import Item, folded_words

Words = dict[tuple[str, ...], set[tuple[Item, ...]]]  # of a phrase: the items it may stand for

# Languages of which only months and weekdays are used: other names of the same months.
LOCALES = ("en", "he", "de", "fr", "es", "it", "pt", "nl", "ru", "ar", "de_AT", "ar_SY", "ar_DZ")

# Kinds of words; grammar.py says how they are put together.
#   F of no meaning   L last   l latest (after its word)   T this   P past (the past week)
#   A ago (after)     B ago (before)     R a day counted from today     U a unit     V units
#   N a number        K units with their number in one word      g after a year, in Russian
#   S season          M month            W weekday     H holiday
#   E eve             G decades follow   Q a decade, in years after 1900; q the same, after G
#   O onwards         o on, for "from … on"    Z two years of one winter, the first
#   D a day of a month     x a few            h month of the Hebrew calendar
#   i its day, in letters  j its year in digits: 5779
#   s since   u until   v before   w after   b between   a and   f from   t to
# Values are separated by commas; "=" gives one its value: a number, a unit, a season.
ENGLISH = {
    "F": "the, in, on, of, at, during, over, within, month of",
    "L": "last, previous",
    "T": "this",
    "P": "past",
    "A": "ago",
    "R": "today=0, yesterday=-1, day before yesterday=-2",
    "U": "day=day, week=week, weekend=weekend, month=month, year=year, decade=decade, hour=hour",
    "V": "days=day, weeks=week, weekends=weekend, months=month, years=year, decades=decade,"
    " hours=hour",
    "S": "spring=spring, summer=summer, autumn=autumn, fall=autumn, winter=winter,"
    " springtime=spring, summertime=summer, wintertime=winter",
    "N": "a=1, an=1, one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9,"
    " ten=10, eleven=11, twelve=12, thirteen=13, fourteen=14, fifteen=15, sixteen=16, seventeen=17,"
    " eighteen=18, nineteen=19, twenty=20, thirty=30, forty=40, fifty=50, couple of=2,"
    " a couple of=2",
    "K": "fortnight=2 week, half a year=6 month, half year=6 month, year and a half=18 month,"
    " a year and a half=18 month, one and a half years=18 month",
    "M": "sept=9",
    "W": "tues=1, weds=2, thur=3, thurs=3",
    "Q": "noughties=100, twenties=120, thirties=30, forties=40, fifties=50, sixties=60,"
    " seventies=70, eighties=80, nineties=90",
    "E": "eve of, erev",
    "s": "since, ever since",
    "u": "until, till, up to, through, thru",
    "v": "before, earlier than",
    "w": "after, later than",
    "b": "between",
    "a": "and",
    "f": "from",
    "t": "to",
    "O": "onward, onwards, and later",
    "o": "on",
    "D": "first=1, second=2, third=3, fourth=4, fifth=5, sixth=6, seventh=7, eighth=8, ninth=9,"
    " tenth=10, eleventh=11, twelfth=12, thirteenth=13, fourteenth=14, fifteenth=15, sixteenth=16,"
    " seventeenth=17, eighteenth=18, nineteenth=19, twentieth=20, twenty first=21,"
    " twenty-first=21, twenty second=22, twenty-second=22, twenty third=23, twenty-third=23,"
    " twenty fourth=24, twenty-fourth=24, twenty fifth=25, twenty-fifth=25, twenty sixth=26,"
    " twenty-sixth=26, twenty seventh=27, twenty-seventh=27, twenty eighth=28, twenty-eighth=28,"
    " twenty ninth=29, twenty-ninth=29, thirtieth=30, thirty first=31, thirty-first=31",
    "x": "few, a few, several, some",
    "h": "nisan=1, nissan=1, iyar=2, iyyar=2, sivan=3, tammuz=4, tamuz=4, av=5, elul=6, tishri=7,"
    " tishrei=7, cheshvan=8, heshvan=8, marcheshvan=8, kislev=9, tevet=10, teveth=10, shevat=11,"
    " shvat=11, adar=12, adar i=112, adar 1=112, adar aleph=112, adar ii=113, adar 2=113,"
    " adar bet=113",
}
HEBREW = {
    "F": "של, ב, ה, ל, ב-, ה-, ל-, ש, בתוך, במהלך, ביום, חודש",
    "L": "שעבר, שעברה, קודם, קודמת, הקודם, הקודמת, הקודמים, הקודמות",
    "l": "אחרון, אחרונה, אחרונים, אחרונות, האחרון, האחרונה, האחרונים, האחרונות",
    "T": "זה, זו, זאת, הזה, הזו, הזאת, הנוכחי, הנוכחית",
    "B": "לפני",
    "R": "היום=0, אתמול=-1, אמש=-1, שלשום=-2",
    "U": "יום=day, שבוע=week, סוף שבוע=weekend, סופש=weekend,"
    " סוף השבוע=weekend, חודש=month, שנה=year, שנת=year, עשור=decade, שעה=hour",
    "V": "ימים=day, שבועות=week, סופי שבוע=weekend, חודשים=month, שנים=year, עשורים=decade,"
    " שעות=hour",
    "K": "יומיים=2 day, שבועיים=2 week, חודשיים=2 month, חדשיים=2 month, שנתיים=2 year,"
    " שעתיים=2 hour, חצי שנה=6 month, חצי השנה=6 month, שנה וחצי=18 month",
    "S": "אביב=spring, קיץ=summer, סתיו=autumn, סתו=autumn, חורף=winter",
    "M": "מרס=3",
    "N": "אחד=1, אחת=1, שתי=2, שני=2, שתיים=2, שניים=2, שלוש=3, שלושה=3, שלושת=3, ארבע=4,"
    " ארבעה=4, ארבעת=4, חמש=5, חמישה=5, חמשת=5, שש=6, שישה=6, ששת=6, שבע=7, שבעה=7, שבעת=7,"
    " שמונה=8, שמונת=8, תשע=9, תשעה=9, תשעת=9, עשר=10, עשרה=10, עשרת=10, אחת עשרה=11,"
    " אחד עשר=11, שתים עשרה=12, שתיים עשרה=12, שנים עשר=12, חמש עשרה=15, עשרים=20, שלושים=30,"
    " ארבעים=40, חמישים=50",
    "W": "ראשון=6, שני=0, שלישי=1, רביעי=2, חמישי=3, שישי=4, שבת=5, יום שבת=5",
    "G": "שנות",
    "q": "עשרים=120, שלושים=30, ארבעים=40, חמישים=50, שישים=60, שבעים=70, שמונים=80, תשעים=90",
    "E": "ערב",
    "s": "מאז, החל מ, החל מ-",
    "u": "עד",
    "v": "לפני",
    "w": "אחרי, לאחר",
    "b": "בין",
    "a": "ו, ו-, וה, וה-, ואת",
    "f": "מ, מ-, מן",
    "t": "ל, ל-, לבין",
    "O": "והלאה, ואילך",
    "D": "ראשון=1, אחד=1",
    "x": "כמה, מספר",
    "h": "ניסן=1, אייר=2, איר=2, סיון=3, סיוון=3, תמוז=4, אב=5, מנחם אב=5, אלול=6, תשרי=7,"
    " חשון=8, חשוון=8, מרחשון=8, מרחשוון=8, כסלו=9, כסליו=9, טבת=10, שבט=11, אדר=12,"
    " אדר א=112, אדר ראשון=112, אדר ב=113, אדר שני=113",
}
GERMAN = {
    "F": "im, in, am, an, der, des, dem, den, die, das, vom",
    "L": "letzte, letzten, letzter, letztes, letztem, vorige, vorigen, voriger, voriges,"
    " vergangene, vergangenen, vergangener, vergangenes",
    "T": "diese, diesen, dieser, dieses, diesem",
    "B": "vor",
    "R": "heute=0, gestern=-1, vorgestern=-2",
    "U": "tag=day, woche=week, wochenende=weekend, monat=month, monats=month, jahr=year,"
    " jahres=year, jahrzehnt=decade, jahrzehnts=decade",
    "V": "tage=day, tagen=day, wochen=week, monate=month, monaten=month, jahre=year, jahren=year,"
    " jahrzehnte=decade, jahrzehnten=decade",
    "S": "frühling=spring, frühjahr=spring, sommer=summer, herbst=autumn, winter=winter",
    "N": "ein=1, eine=1, einem=1, einer=1, zwei=2, drei=3, vier=4, fünf=5, sechs=6, sieben=7,"
    " acht=8, neun=9, zehn=10",
    "W": "sonnabend=5",
    "Q": "zwanziger=120, dreißiger=30, vierziger=40, fünfziger=50, sechziger=60, siebziger=70,"
    " achtziger=80, neunziger=90, zwanzigern=120, dreißigern=30, vierzigern=40, fünfzigern=50,"
    " sechzigern=60, siebzigern=70, achtzigern=80, neunzigern=90",
    "D": "erste=1, ersten=1, erster=1",
    "x": "paar, ein paar, einigen, einige, wenigen",
    "s": "seit, ab",
    "u": "bis, bis zu, bis zum",
    "v": "vor",
    "w": "nach",
    "b": "zwischen",
    "a": "und",
    "f": "von",
    "t": "bis, bis zum",
}
FRENCH = {
    "F": "le, la, les, l', en, de, d', du, des, au, à, dans, pendant",
    "L": "dernier, dernière, derniers, dernières, passé, passée",
    "T": "ce, cet, cette, ces",
    "B": "il y a",
    "R": "aujourd'hui=0, hier=-1, avant-hier=-2, avant hier=-2",
    "U": "jour=day, semaine=week, week-end=weekend, weekend=weekend, mois=month, an=year,"
    " année=year, décennie=decade",
    "V": "jours=day, semaines=week, ans=year, années=year, décennies=decade",
    "S": "printemps=spring, été=summer, automne=autumn, hiver=winter",
    "N": "un=1, une=1, deux=2, trois=3, quatre=4, cinq=5, six=6, sept=7, huit=8, neuf=9, dix=10",
    "q": "vingt=120, trente=30, quarante=40, cinquante=50, soixante=60, soixante-dix=70,"
    " quatre-vingt=80, quatre-vingts=80, quatre-vingt-dix=90",
    "D": "premier=1",
    "x": "quelques, plusieurs",
    "s": "depuis, dès, à partir de, à partir d', à partir du",
    "u": "jusque, jusqu'à, jusqu'en, jusqu'au",
    "v": "avant",
    "w": "après",
    "b": "entre",
    "a": "et",
    "t": "à, au",
}
SPANISH = {
    "F": "el, la, los, las, de, del, en, al",
    "L": "pasado, pasada, pasados, pasadas, último, última, últimos, últimas, anterior",
    "T": "este, esta, estos, estas",
    "B": "hace",
    "R": "hoy=0, ayer=-1, anteayer=-2, antier=-2, antes de ayer=-2",
    "U": "día=day, semana=week, fin de semana=weekend, mes=month, año=year, década=decade",
    "V": "días=day, semanas=week, meses=month, años=year, décadas=decade",
    "S": "primavera=spring, verano=summer, otoño=autumn, invierno=winter",
    "N": "un=1, una=1, uno=1, dos=2, tres=3, cuatro=4, cinco=5, seis=6, siete=7, ocho=8,"
    " nueve=9, diez=10",
    "M": "setiembre=9",
    "q": "veinte=120, treinta=30, cuarenta=40, cincuenta=50, sesenta=60, setenta=70, ochenta=80,"
    " noventa=90",
    "D": "primero=1",
    "x": "unos, unas, algunos, algunas, pocos, pocas",
    "s": "desde, a partir de, a partir del",
    "u": "hasta",
    "v": "antes de, antes del",
    "w": "después de, después del, tras",
    "b": "entre",
    "a": "y",
    "t": "a, al, hasta",
}
ITALIAN = {
    "F": "il, lo, la, l', i, gli, le, di, del, della, dell', dello, in, nel, nella, nell',"
    " nello, nei, negli, nelle, degli, delle, a, ad, d'",
    "L": "scorso, scorsa, scorsi, scorse, passato, passata, ultimo, ultima, ultimi, ultime",
    "T": "questo, questa, quest', questi, queste",
    "A": "fa",
    "R": "oggi=0, ieri=-1, l'altro ieri=-2, altro ieri=-2, avantieri=-2",
    "U": "giorno=day, settimana=week, fine settimana=weekend, weekend=weekend, mese=month,"
    " anno=year, decennio=decade",
    "V": "giorni=day, settimane=week, mesi=month, anni=year, decenni=decade",
    "S": "primavera=spring, estate=summer, autunno=autumn, inverno=winter",
    "N": "un=1, una=1, un'=1, uno=1, due=2, tre=3, quattro=4, cinque=5, sei=6, sette=7, otto=8,"
    " nove=9, dieci=10",
    "q": "venti=120, trenta=30, quaranta=40, cinquanta=50, sessanta=60, settanta=70, ottanta=80,"
    " novanta=90",
    "D": "primo=1",
    "x": "qualche, alcuni, alcune",
    "s": "da, dal, dalla, dall', dagli, a partire da, a partire dal",
    "u": "fino a, fino al, fino alla, fino all'",
    "v": "prima di, prima del, prima della, prima dell'",
    "w": "dopo",
    "b": "tra, fra",
    "a": "e",
    "t": "a, al, alla, all', fino a, fino al",
}
PORTUGUESE = {
    "F": "o, a, os, as, de, do, da, dos, das, em, no, na, nos, nas, ao",
    "L": "passado, passada, passados, passadas, último, última, últimos, últimas, anterior",
    "T": "este, esta, esse, essa, neste, nesta, nesse, nessa, deste, desta",
    "A": "atrás",
    "B": "há, faz",
    "R": "hoje=0, ontem=-1, anteontem=-2, antes de ontem=-2",
    "U": "dia=day, semana=week, fim de semana=weekend, fim-de-semana=weekend, mês=month, ano=year,"
    " década=decade",
    "V": "dias=day, semanas=week, meses=month, anos=year, décadas=decade",
    "S": "primavera=spring, verão=summer, outono=autumn, inverno=winter",
    "N": "um=1, uma=1, dois=2, duas=2, três=3, quatro=4, cinco=5, seis=6, sete=7, oito=8,"
    " nove=9, dez=10",
    "W": "segunda=0, terça=1, quarta=2, quinta=3, sexta=4, segunda feira=0, terça feira=1,"
    " quarta feira=2, quinta feira=3, sexta feira=4",
    "q": "vinte=120, trinta=30, quarenta=40, cinquenta=50, sessenta=60, setenta=70, oitenta=80,"
    " noventa=90",
    "D": "primeiro=1",
    "x": "alguns, algumas, poucos, poucas",
    "s": "desde, a partir de, a partir do, a partir da",
    "u": "até, até a, até o, até ao",
    "v": "antes de, antes do, antes da",
    "w": "depois de, depois do, depois da, após",
    "b": "entre",
    "a": "e",
    "t": "a, ao, até",
}
DUTCH = {
    "F": "de, het, in, van, op, tijdens",
    "L": "vorige, vorig, afgelopen, laatste",
    "T": "deze, dit",
    "A": "geleden",
    "R": "vandaag=0, gisteren=-1, eergisteren=-2",
    "U": "dag=day, week=week, weekend=weekend, weekeinde=weekend, maand=month,"
    " jaar=year, decennium=decade",
    "V": "dagen=day, weken=week, maanden=month, jaren=year, decennia=decade",
    "S": "lente=spring, voorjaar=spring, zomer=summer, herfst=autumn, najaar=autumn, winter=winter",
    "N": "een=1, één=1, twee=2, drie=3, vier=4, vijf=5, zes=6, zeven=7, acht=8, negen=9, tien=10",
    "q": "twintig=120, dertig=30, veertig=40, vijftig=50, zestig=60, zeventig=70, tachtig=80,"
    " negentig=90",
    "D": "eerste=1",
    "x": "paar, een paar, enkele",
    "s": "sinds, vanaf",
    "u": "tot, tot en met, t/m",
    "v": "voor",
    "w": "na",
    "b": "tussen",
    "a": "en",
    "t": "tot, tot en met, t/m",
}
RUSSIAN = {
    "F": "в, во, на, за",
    "g": "года, году, год, г, г.",
    "L": "прошлый, прошлая, прошлое, прошлого, прошлой, прошлом, прошлым, прошлую, прошлые,"
    " прошлых, последний, последняя, последнее, последние, последних, последнюю, минувший,"
    " минувшее, минувшая, минувшей, минувшим",
    "T": "этот, эта, это, этого, этой, этом, этим, эту",
    "A": "назад",
    "R": "сегодня=0, вчера=-1, позавчера=-2",
    "U": "день=day, неделя=week, неделю=week, неделе=week, выходные=weekend, выходных=weekend,"
    " недели=week, месяц=month, месяце=month, месяца=month, год=year, году=year, года=year,"
    " десятилетие=decade, десятилетии=decade",
    "V": "дня=day, дней=day, дни=day, недели=week, недель=week, месяца=month, месяцев=month,"
    " месяцы=month, года=year, лет=year, годы=year, годов=year,"
    " годах=year, десятилетия=decade, десятилетий=decade",
    "S": "весна=spring, весной=spring, весну=spring, весны=spring, лето=summer, летом=summer,"
    " лета=summer, осень=autumn, осенью=autumn, осени=autumn, зима=winter, зимой=winter,"
    " зиму=winter, зимы=winter",
    "N": "один=1, одну=1, одна=1, два=2, две=2, три=3, четыре=4, пять=5, шесть=6, семь=7,"
    " восемь=8, девять=9, десять=10",
    "M": "январе=1, феврале=2, марте=3, апреле=4, мае=5, июне=6, июле=7, августе=8, сентябре=9,"
    " октябре=10, ноябре=11, декабре=12, январем=1, февралем=2, мартом=3, апрелем=4, маем=5,"
    " июнем=6, июлем=7, августом=8, сентябрем=9, октябрем=10, ноябрем=11, декабрем=12",
    "W": "среду=2, пятницу=4, субботу=5",
    "Q": "двадцатые=120, тридцатые=30, сороковые=40, пятидесятые=50, шестидесятые=60,"
    " семидесятые=70, восьмидесятые=80, девяностые=90, двадцатых=120, тридцатых=30, сороковых=40,"
    " пятидесятых=50, шестидесятых=60, семидесятых=70, восьмидесятых=80, девяностых=90",
    "D": "первое=1, первого=1",
    "x": "несколько",
    "s": "с, со, начиная с",
    "u": "по",
    "v": "до, перед",
    "w": "после",
    "b": "между",
    "a": "и",
    "t": "до, по",
}
ARABIC = {
    "F": "في, من, خلال, عام, عامي, سنة, ال, يوم",
    "L": "الماضي, الماضية, الماضيين, الماضيه, الفائت, الفائتة, المنصرم, الأخير, الأخيرة, آخر",
    "T": "هذا, هذه, الحالي, الحالية",
    "B": "قبل, منذ",
    "R": "اليوم=0, أمس=-1, البارحة=-1, أول أمس=-2, أول من أمس=-2",
    "U": "يوم=day, أسبوع=week, نهاية الأسبوع=weekend, شهر=month, سنة=year, عام=year, عقد=decade",
    "V": "أيام=day, أسابيع=week, أشهر=month, شهور=month, سنوات=year, أعوام=year, عقود=decade",
    "K": "يومين=2 day, أسبوعين=2 week, شهرين=2 month, سنتين=2 year, عامين=2 year",
    "S": "ربيع=spring, صيف=summer, خريف=autumn, شتاء=winter",
    "N": "واحد=1, ثلاثة=3, ثلاث=3, أربعة=4, أربع=4, خمسة=5, خمس=5, ستة=6, ست=6, سبعة=7, سبع=7,"
    " ثمانية=8, ثماني=8, تسعة=9, تسع=9, عشرة=10, عشر=10",
    "Q": "عشرينيات=120, عشرينات=120, ثلاثينيات=30, ثلاثينات=30, أربعينيات=40, أربعينات=40,"
    " خمسينيات=50, خمسينات=50, ستينيات=60, ستينات=60, سبعينيات=70, سبعينات=70, ثمانينيات=80,"
    " ثمانينات=80, تسعينيات=90, تسعينات=90",
    "x": "بضعة, بضع, عدة",
    "s": "منذ",
    "u": "حتى, لغاية",
    "v": "قبل",
    "w": "بعد",
    "b": "بين",
    "a": "و",
    "t": "إلى, حتى",
}
TABLES = (
    (ENGLISH, MONDAY), (HEBREW, SUNDAY), (GERMAN, MONDAY), (FRENCH, MONDAY), (SPANISH, MONDAY),
    (ITALIAN, MONDAY), (PORTUGUESE, MONDAY), (DUTCH, MONDAY), (RUSSIAN, MONDAY), (ARABIC, MONDAY),
)  # fmt: skip
# Hebrew expresses "this" by the article: the year, the week, the month, the weekend.
THIS = {
    "השנה": "year",
    "השבוע": "week",
    "החודש": "month",
    "סוף השבוע": "weekend",
    "העשור": "decade",
}
LAST = {"אשתקד": "year"}
ENGLISH_WORDS = ("ago", "set")  # abbreviations of months elsewhere


@functools.cache
def vocabulary() -> Words:
    """Every phrase, folded, with its meanings."""
    words: Words = {}
    for table, first in TABLES:
        for kind, entries in table.items():
            for entry in entries.split(","):
                phrase, _, value = entry.strip().partition("=")
                _add(words, phrase, Item(kind, _value(kind, value, first)))
    for phrase, name in THIS.items():
        _add(words, phrase, Item("T"), Item("U", Unit(name, SUNDAY)))
    for phrase, name in LAST.items():
        _add(words, phrase, Item("L"), Item("U", Unit(name, SUNDAY)))
    for phrases, holiday in HOLIDAYS.items():
        for phrase in phrases.split(","):
            _add(words, phrase, Item("H", holiday))
    for code in LOCALES:
        _add_names(words, code)
    return words


def _value(kind: str, text: str, first: int) -> Any:
    """The value of a table's text after "="."""
    if kind in "UV":
        return Unit(text, first)
    if kind == "K":
        count, name = text.split()
        return int(count), Unit(name, first)
    if kind == "W":
        return int(text), first
    if kind in "NMRQqDh":
        return int(text)
    return text or None


def _add_names(words: Words, code: str) -> None:
    """Months and weekdays; abbreviations of weekdays only in English, as elsewhere they
    are words.
    """
    locale: Any = Locale.parse(code)
    first = SUNDAY if code == "he" else MONDAY
    for context, width in itertools.product(("format", "stand-alone"), ("wide", "abbreviated")):
        for number, name in locale.months[context][width].items():
            short = name.rstrip(".")
            if short not in ENGLISH_WORDS:
                _add(words, short, Item("M", number))
                _add(words, short + ".", Item("M", number))
        if width == "wide" or code in ("en", "he"):
            for number, name in locale.days[context][width].items():
                _add(words, name, Item("W", (number, first)))


def _add(words: Words, phrase: str, *items: Item) -> None:
    words.setdefault(folded_words(re.sub(r"[\u200e\u200f]", "", phrase)), set()).add(items)
