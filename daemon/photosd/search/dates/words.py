"""The words of dates in ten languages, with their meanings.

Names of months and weekdays are in a table of their own (core/calendar_names.py); the rest is in
the tables here.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from photosd.core.calendar_names import calendar_names
from photosd.search.dates.holidays import HOLIDAYS
from photosd.search.dates.periods import MONDAY, SUNDAY, Part, Unit
from photosd.search.dates.tokens import Item, Kind, folded_words

Words = dict[tuple[str, ...], set[tuple[Item, ...]]]  # of a phrase: the items it may stand for

# Values are separated by commas; "=" gives one its value: a number, a unit, a season.
ENGLISH = {
    Kind.FILLER: "the, in, on, of, at, during, over, within, month of",
    Kind.LAST: "last, previous",
    Kind.THIS: "this",
    Kind.PAST: "past",
    Kind.AGO: "ago",
    Kind.RELATIVE_DAY: "today=0, yesterday=-1, day before yesterday=-2",
    Kind.UNIT: "day=day, week=week, weekend=weekend, month=month, year=year, decade=decade,"
    " hour=hour, yr=year, mth=month, wk=week, hr=hour",
    Kind.UNITS: "days=day, weeks=week, weekends=weekend, months=month, years=year, decades=decade,"
    " hours=hour, yrs=year, mths=month, mos=month, wks=week, hrs=hour",
    Kind.SEASON: "spring=spring, summer=summer, autumn=autumn, fall=autumn, winter=winter,"
    " springtime=spring, summertime=summer, wintertime=winter, q1=q1, q2=q2, q3=q3, q4=q4,"
    " first quarter=q1, second quarter=q2, third quarter=q3, fourth quarter=q4, 1st quarter=q1,"
    " 2nd quarter=q2, 3rd quarter=q3, 4th quarter=q4",
    Kind.COUNT: "a=1, an=1, one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8,"
    " nine=9, ten=10, eleven=11, twelve=12, thirteen=13, fourteen=14, fifteen=15, sixteen=16,"
    " seventeen=17, eighteen=18, nineteen=19, twenty=20, thirty=30, forty=40, fifty=50,"
    " couple of=2, a couple of=2",
    Kind.COUNT_OF_UNITS: "fortnight=2 week, half a year=6 month, half year=6 month,"
    " year and a half=18 month, a year and a half=18 month, one and a half years=18 month",
    Kind.MONTH: "sept=9",
    Kind.WEEKDAY: "tues=1, weds=2, thur=3, thurs=3",
    Kind.DECADE: "noughties=100, twenties=120, thirties=30, forties=40, fifties=50, sixties=60,"
    " seventies=70, eighties=80, nineties=90",
    Kind.EVE: "eve of, erev, eve",
    Kind.PART: "early=early, beginning of=beginning, start of=beginning, mid=middle, mid-=middle,"
    " middle of=middle, late=late, end of=end, very beginning of=beginning,"
    " very start of=beginning, very end of=end",
    Kind.SINCE: "since, ever since, no earlier than, not earlier than, not before, as early as",
    Kind.UNTIL: "until, till, up to, through, thru, until end, until the end, till end,"
    " till the end, up to end, up to the end, no later than, not later than, not after, as late as",
    Kind.BEFORE: "before, earlier than",
    Kind.AFTER: "after, later than",
    Kind.BETWEEN: "between",
    Kind.AND: "and, &, or",
    Kind.FROM: "from",
    Kind.TO: "to",
    Kind.ONWARDS: "onward, onwards, and later, or later, and after, or after, and newer, or newer",
    Kind.BACKWARDS: "or earlier, and earlier, or before, and before, or older, and older",
    Kind.ON: "on",
    Kind.ORDINAL: "first=1, second=2, third=3, fourth=4, fifth=5, sixth=6, seventh=7, eighth=8,"
    " ninth=9, tenth=10, eleventh=11, twelfth=12, thirteenth=13, fourteenth=14, fifteenth=15,"
    " sixteenth=16, seventeenth=17, eighteenth=18, nineteenth=19, twentieth=20, twenty first=21,"
    " twenty-first=21, twenty second=22, twenty-second=22, twenty third=23, twenty-third=23,"
    " twenty fourth=24, twenty-fourth=24, twenty fifth=25, twenty-fifth=25, twenty sixth=26,"
    " twenty-sixth=26, twenty seventh=27, twenty-seventh=27, twenty eighth=28, twenty-eighth=28,"
    " twenty ninth=29, twenty-ninth=29, thirtieth=30, thirty first=31, thirty-first=31",
    Kind.FEW: "few, a few, several, some",
    Kind.HEBREW_MONTH: "nisan=1, nissan=1, iyar=2, iyyar=2, sivan=3, tammuz=4, tamuz=4, av=5,"
    " elul=6, tishri=7, tishrei=7, cheshvan=8, heshvan=8, marcheshvan=8, kislev=9, tevet=10,"
    " teveth=10, shevat=11, shvat=11, adar=12, adar i=112, adar 1=112, adar aleph=112,"
    " adar ii=113, adar 2=113, adar bet=113",
}
HEBREW = {
    Kind.FILLER: "של, ב, ה, ל, ב-, ה-, ל-, ש, וב-, וה-, בתוך, במהלך, ביום, חודש",
    Kind.LAST: "שעבר, שעברה, קודם, קודמת, הקודם, הקודמת, הקודמים, הקודמות",
    Kind.LATEST: "אחרון, אחרונה, אחרונים, אחרונות, האחרון, האחרונה, האחרונים, האחרונות",
    Kind.THIS: "זה, זו, זאת, הזה, הזו, הזאת, הנוכחי, הנוכחית",
    Kind.AGO_BEFORE: "לפני",
    Kind.RELATIVE_DAY: "היום=0, אתמול=-1, אמש=-1, שלשום=-2",
    Kind.UNIT: "יום=day, שבוע=week, סוף שבוע=weekend, סופש=weekend, סוף השבוע=weekend, חודש=month,"
    " שנה=year, שנת=year, עשור=decade, שעה=hour",
    Kind.UNITS: "ימים=day, שבועות=week, סופי שבוע=weekend, חודשים=month, שנים=year, עשורים=decade,"
    " שעות=hour",
    Kind.COUNT_OF_UNITS: "יומיים=2 day, שבועיים=2 week, חודשיים=2 month, חדשיים=2 month,"
    " שנתיים=2 year, שעתיים=2 hour, חצי שנה=6 month, חצי השנה=6 month, שנה וחצי=18 month",
    Kind.SEASON: "אביב=spring, קיץ=summer, סתיו=autumn, סתו=autumn, חורף=winter, רבעון ראשון=q1,"
    " רבעון שני=q2, רבעון שלישי=q3, רבעון רביעי=q4, רבעון הראשון=q1, רבעון השני=q2,"
    " רבעון השלישי=q3, רבעון הרביעי=q4",
    Kind.MONTH: "מרס=3",
    Kind.COUNT: "אחד=1, אחת=1, שתי=2, שני=2, שתיים=2, שניים=2, שלוש=3, שלושה=3, שלושת=3, ארבע=4,"
    " ארבעה=4, ארבעת=4, חמש=5, חמישה=5, חמשת=5, שש=6, שישה=6, ששת=6, שבע=7, שבעה=7, שבעת=7,"
    " שמונה=8, שמונת=8, תשע=9, תשעה=9, תשעת=9, עשר=10, עשרה=10, עשרת=10, אחת עשרה=11, אחד עשר=11,"
    " שתים עשרה=12, שתיים עשרה=12, שנים עשר=12, חמש עשרה=15, עשרים=20, שלושים=30, ארבעים=40,"
    " חמישים=50",
    Kind.WEEKDAY: "ראשון=6, שני=0, שלישי=1, רביעי=2, חמישי=3, שישי=4, שבת=5, יום שבת=5",
    Kind.DECADES: "שנות",
    Kind.DECADE_NUMBER: "עשרים=120, שלושים=30, ארבעים=40, חמישים=50, שישים=60, שבעים=70,"
    " שמונים=80, תשעים=90",
    Kind.EVE: "ערב",
    Kind.PART: "תחילת=beginning, ראשית=beginning, אמצע=middle, סוף=end, שלהי=late,"
    " ממש תחילת=beginning, ממש סוף=end",
    Kind.SINCE: "מאז, החל, החל מ, החל מ-",
    Kind.UNTIL: "ועד, עד",
    Kind.BEFORE: "לפני",
    Kind.AFTER: "אחרי, לאחר",
    Kind.BETWEEN: "בין",
    Kind.AND: "ו, ו-, וב, וב-, וה, וה-, ואת, או",
    Kind.FROM: "מ, מ-, מה-, מן",
    Kind.TO: "ל, ל-, לבין",
    Kind.ONWARDS: "והלאה, ואילך, ומעלה, ואחרי, או אחרי, ומאוחר יותר, או מאוחר יותר",
    Kind.BACKWARDS: "ומטה, ואחורה, ולפני, או לפני, ומוקדם יותר, או מוקדם יותר",
    Kind.ORDINAL: "ראשון=1, אחד=1",
    Kind.FEW: "כמה, מספר",
    Kind.HEBREW_MONTH: "ניסן=1, אייר=2, איר=2, סיון=3, סיוון=3, תמוז=4, אב=5, מנחם אב=5, אלול=6,"
    " תשרי=7, חשון=8, חשוון=8, מרחשון=8, מרחשוון=8, כסלו=9, כסליו=9, טבת=10, שבט=11, אדר=12,"
    " אדר א=112, אדר ראשון=112, אדר ב=113, אדר שני=113",
}
GERMAN = {
    Kind.FILLER: "im, in, am, an, der, des, dem, den, die, das, vom",
    Kind.LAST: "letzte, letzten, letzter, letztes, letztem, vorige, vorigen, voriger, voriges,"
    " vergangene, vergangenen, vergangener, vergangenes",
    Kind.THIS: "diese, diesen, dieser, dieses, diesem",
    Kind.AGO_BEFORE: "vor",
    Kind.RELATIVE_DAY: "heute=0, gestern=-1, vorgestern=-2",
    Kind.UNIT: "tag=day, woche=week, wochenende=weekend, monat=month, monats=month, jahr=year,"
    " jahres=year, jahrzehnt=decade, jahrzehnts=decade",
    Kind.UNITS: "tage=day, tagen=day, wochen=week, monate=month, monaten=month, jahre=year,"
    " jahren=year, jahrzehnte=decade, jahrzehnten=decade",
    Kind.SEASON: "frühling=spring, frühjahr=spring, sommer=summer, herbst=autumn, winter=winter",
    Kind.COUNT: "ein=1, eine=1, einem=1, einer=1, zwei=2, drei=3, vier=4, fünf=5, sechs=6,"
    " sieben=7, acht=8, neun=9, zehn=10",
    Kind.WEEKDAY: "sonnabend=5",
    Kind.DECADE: "zwanziger=120, dreißiger=30, vierziger=40, fünfziger=50, sechziger=60,"
    " siebziger=70, achtziger=80, neunziger=90, zwanzigern=120, dreißigern=30, vierzigern=40,"
    " fünfzigern=50, sechzigern=60, siebzigern=70, achtzigern=80, neunzigern=90",
    Kind.ORDINAL: "erste=1, ersten=1, erster=1",
    Kind.FEW: "paar, ein paar, einigen, einige, wenigen",
    Kind.PART: "anfang=beginning, mitte=middle, ende=end, ganz anfang=beginning, ganz ende=end",
    Kind.SINCE: "seit, ab",
    Kind.UNTIL: "bis, bis zu, bis zum",
    Kind.BEFORE: "vor",
    Kind.AFTER: "nach",
    Kind.BETWEEN: "zwischen",
    Kind.AND: "und",
    Kind.FROM: "von",
    Kind.TO: "bis, bis zum",
}
FRENCH = {
    Kind.FILLER: "le, la, les, l', en, de, d', du, des, au, à, dans, pendant",
    Kind.LAST: "dernier, dernière, derniers, dernières, passé, passée",
    Kind.THIS: "ce, cet, cette, ces",
    Kind.AGO_BEFORE: "il y a",
    Kind.RELATIVE_DAY: "aujourd'hui=0, hier=-1, avant-hier=-2, avant hier=-2",
    Kind.UNIT: "jour=day, semaine=week, week-end=weekend, weekend=weekend, mois=month, an=year,"
    " année=year, décennie=decade",
    Kind.UNITS: "jours=day, semaines=week, ans=year, années=year, décennies=decade",
    Kind.SEASON: "printemps=spring, été=summer, automne=autumn, hiver=winter",
    Kind.COUNT: "un=1, une=1, deux=2, trois=3, quatre=4, cinq=5, six=6, sept=7, huit=8, neuf=9,"
    " dix=10",
    Kind.DECADE_NUMBER: "vingt=120, trente=30, quarante=40, cinquante=50, soixante=60,"
    " soixante-dix=70, quatre-vingt=80, quatre-vingts=80, quatre-vingt-dix=90",
    Kind.ORDINAL: "premier=1",
    Kind.FEW: "quelques, plusieurs",
    Kind.PART: "début=beginning, mi=middle, mi-=middle, milieu=middle, fin=end,"
    " tout début=beginning, toute fin=end",
    Kind.SINCE: "depuis, dès, à partir de, à partir d', à partir du",
    Kind.UNTIL: "jusque, jusqu'à, jusqu'en, jusqu'au",
    Kind.BEFORE: "avant",
    Kind.AFTER: "après",
    Kind.BETWEEN: "entre",
    Kind.AND: "et",
    Kind.TO: "à, au",
}
SPANISH = {
    Kind.FILLER: "el, la, los, las, de, del, en, al",
    Kind.LAST: "pasado, pasada, pasados, pasadas, último, última, últimos, últimas, anterior",
    Kind.THIS: "este, esta, estos, estas",
    Kind.AGO_BEFORE: "hace",
    Kind.RELATIVE_DAY: "hoy=0, ayer=-1, anteayer=-2, antier=-2, antes de ayer=-2",
    Kind.UNIT: "día=day, semana=week, fin de semana=weekend, mes=month, año=year, década=decade",
    Kind.UNITS: "días=day, semanas=week, meses=month, años=year, décadas=decade",
    Kind.SEASON: "primavera=spring, verano=summer, otoño=autumn, invierno=winter",
    Kind.COUNT: "un=1, una=1, uno=1, dos=2, tres=3, cuatro=4, cinco=5, seis=6, siete=7, ocho=8,"
    " nueve=9, diez=10",
    Kind.MONTH: "setiembre=9",
    Kind.DECADE_NUMBER: "veinte=120, treinta=30, cuarenta=40, cincuenta=50, sesenta=60,"
    " setenta=70, ochenta=80, noventa=90",
    Kind.ORDINAL: "primero=1",
    Kind.FEW: "unos, unas, algunos, algunas, pocos, pocas",
    Kind.PART: "principios=early, comienzos=early, mediados=middle, finales=late, fines=late",
    Kind.SINCE: "desde, a partir de, a partir del",
    Kind.UNTIL: "hasta",
    Kind.BEFORE: "antes de, antes del",
    Kind.AFTER: "después de, después del, tras",
    Kind.BETWEEN: "entre",
    Kind.AND: "y",
    Kind.TO: "a, al, hasta",
}
ITALIAN = {
    Kind.FILLER: "il, lo, la, l', i, gli, le, di, del, della, dell', dello, in, nel, nella, nell',"
    " nello, nei, negli, nelle, degli, delle, a, ad, d'",
    Kind.LAST: "scorso, scorsa, scorsi, scorse, passato, passata, ultimo, ultima, ultimi, ultime",
    Kind.THIS: "questo, questa, quest', questi, queste",
    Kind.AGO: "fa",
    Kind.RELATIVE_DAY: "oggi=0, ieri=-1, l'altro ieri=-2, altro ieri=-2, avantieri=-2",
    Kind.UNIT: "giorno=day, settimana=week, fine settimana=weekend, weekend=weekend, mese=month,"
    " anno=year, decennio=decade",
    Kind.UNITS: "giorni=day, settimane=week, mesi=month, anni=year, decenni=decade",
    Kind.SEASON: "primavera=spring, estate=summer, autunno=autumn, inverno=winter",
    Kind.COUNT: "un=1, una=1, un'=1, uno=1, due=2, tre=3, quattro=4, cinque=5, sei=6, sette=7,"
    " otto=8, nove=9, dieci=10",
    Kind.DECADE_NUMBER: "venti=120, trenta=30, quaranta=40, cinquanta=50, sessanta=60,"
    " settanta=70, ottanta=80, novanta=90",
    Kind.ORDINAL: "primo=1",
    Kind.FEW: "qualche, alcuni, alcune",
    Kind.PART: "inizio=beginning, metà=middle, fine=end",
    Kind.SINCE: "da, dal, dalla, dall', dagli, a partire da, a partire dal",
    Kind.UNTIL: "fino a, fino al, fino alla, fino all'",
    Kind.BEFORE: "prima di, prima del, prima della, prima dell'",
    Kind.AFTER: "dopo",
    Kind.BETWEEN: "tra, fra",
    Kind.AND: "e",
    Kind.TO: "a, al, alla, all', fino a, fino al",
}
PORTUGUESE = {
    Kind.FILLER: "o, a, os, as, de, do, da, dos, das, em, no, na, nos, nas, ao",
    Kind.LAST: "passado, passada, passados, passadas, último, última, últimos, últimas, anterior",
    Kind.THIS: "este, esta, esse, essa, neste, nesta, nesse, nessa, deste, desta",
    Kind.AGO: "atrás",
    Kind.AGO_BEFORE: "há, faz",
    Kind.RELATIVE_DAY: "hoje=0, ontem=-1, anteontem=-2, antes de ontem=-2",
    Kind.UNIT: "dia=day, semana=week, fim de semana=weekend, fim-de-semana=weekend, mês=month,"
    " ano=year, década=decade",
    Kind.UNITS: "dias=day, semanas=week, meses=month, anos=year, décadas=decade",
    Kind.SEASON: "primavera=spring, verão=summer, outono=autumn, inverno=winter",
    Kind.COUNT: "um=1, uma=1, dois=2, duas=2, três=3, quatro=4, cinco=5, seis=6, sete=7, oito=8,"
    " nove=9, dez=10",
    Kind.WEEKDAY: "segunda=0, terça=1, quarta=2, quinta=3, sexta=4, segunda feira=0,"
    " terça feira=1, quarta feira=2, quinta feira=3, sexta feira=4",
    Kind.DECADE_NUMBER: "vinte=120, trinta=30, quarenta=40, cinquenta=50, sessenta=60, setenta=70,"
    " oitenta=80, noventa=90",
    Kind.ORDINAL: "primeiro=1",
    Kind.FEW: "alguns, algumas, poucos, poucas",
    Kind.PART: "início=beginning, começo=beginning, meados=middle, final=end, fim=end",
    Kind.SINCE: "desde, a partir de, a partir do, a partir da",
    Kind.UNTIL: "até, até a, até o, até ao",
    Kind.BEFORE: "antes de, antes do, antes da",
    Kind.AFTER: "depois de, depois do, depois da, após",
    Kind.BETWEEN: "entre",
    Kind.AND: "e",
    Kind.TO: "a, ao, até",
}
DUTCH = {
    Kind.FILLER: "de, het, in, van, op, tijdens",
    Kind.LAST: "vorige, vorig, afgelopen, laatste",
    Kind.THIS: "deze, dit",
    Kind.AGO: "geleden",
    Kind.RELATIVE_DAY: "vandaag=0, gisteren=-1, eergisteren=-2",
    Kind.UNIT: "dag=day, week=week, weekend=weekend, weekeinde=weekend, maand=month, jaar=year,"
    " decennium=decade",
    Kind.UNITS: "dagen=day, weken=week, maanden=month, jaren=year, decennia=decade",
    Kind.SEASON: "lente=spring, voorjaar=spring, zomer=summer, herfst=autumn, najaar=autumn,"
    " winter=winter",
    Kind.COUNT: "een=1, één=1, twee=2, drie=3, vier=4, vijf=5, zes=6, zeven=7, acht=8, negen=9,"
    " tien=10",
    Kind.DECADE_NUMBER: "twintig=120, dertig=30, veertig=40, vijftig=50, zestig=60, zeventig=70,"
    " tachtig=80, negentig=90",
    Kind.ORDINAL: "eerste=1",
    Kind.FEW: "paar, een paar, enkele",
    Kind.PART: "begin=beginning, medio=middle, half=middle, eind=end, einde=end",
    Kind.SINCE: "sinds, vanaf",
    Kind.UNTIL: "tot, tot en met, t/m",
    Kind.BEFORE: "voor",
    Kind.AFTER: "na",
    Kind.BETWEEN: "tussen",
    Kind.AND: "en",
    Kind.TO: "tot, tot en met, t/m",
}
RUSSIAN = {
    Kind.FILLER: "в, во, на, за",
    Kind.YEAR_SUFFIX: "года, году, год, г, г.",
    Kind.LAST: "прошлый, прошлая, прошлое, прошлого, прошлой, прошлом, прошлым, прошлую, прошлые,"
    " прошлых, последний, последняя, последнее, последние, последних, последнюю, минувший,"
    " минувшее, минувшая, минувшей, минувшим",
    Kind.THIS: "этот, эта, это, этого, этой, этом, этим, эту",
    Kind.AGO: "назад",
    Kind.RELATIVE_DAY: "сегодня=0, вчера=-1, позавчера=-2",
    Kind.UNIT: "день=day, неделя=week, неделю=week, неделе=week, выходные=weekend,"
    " выходных=weekend, недели=week, месяц=month, месяце=month, месяца=month, год=year, году=year,"
    " года=year, десятилетие=decade, десятилетии=decade",
    Kind.UNITS: "дня=day, дней=day, дни=day, недели=week, недель=week, месяца=month,"
    " месяцев=month, месяцы=month, года=year, лет=year, годы=year, годов=year, годах=year,"
    " десятилетия=decade, десятилетий=decade",
    Kind.SEASON: "весна=spring, весной=spring, весну=spring, весны=spring, лето=summer,"
    " летом=summer, лета=summer, осень=autumn, осенью=autumn, осени=autumn, зима=winter,"
    " зимой=winter, зиму=winter, зимы=winter",
    Kind.COUNT: "один=1, одну=1, одна=1, два=2, две=2, три=3, четыре=4, пять=5, шесть=6, семь=7,"
    " восемь=8, девять=9, десять=10",
    Kind.MONTH: "январе=1, феврале=2, марте=3, апреле=4, мае=5, июне=6, июле=7, августе=8,"
    " сентябре=9, октябре=10, ноябре=11, декабре=12, январем=1, февралем=2, мартом=3, апрелем=4,"
    " маем=5, июнем=6, июлем=7, августом=8, сентябрем=9, октябрем=10, ноябрем=11, декабрем=12",
    Kind.WEEKDAY: "среду=2, пятницу=4, субботу=5",
    Kind.DECADE: "двадцатые=120, тридцатые=30, сороковые=40, пятидесятые=50, шестидесятые=60,"
    " семидесятые=70, восьмидесятые=80, девяностые=90, двадцатых=120, тридцатых=30, сороковых=40,"
    " пятидесятых=50, шестидесятых=60, семидесятых=70, восьмидесятых=80, девяностых=90",
    Kind.ORDINAL: "первое=1, первого=1",
    Kind.FEW: "несколько",
    Kind.PART: "начало=beginning, начале=beginning, начала=beginning, середина=middle,"
    " середине=middle, середины=middle, конец=end, конце=end, конца=end, самого конца=end",
    Kind.SINCE: "с, со, начиная с",
    Kind.UNTIL: "по",
    Kind.BEFORE: "до, перед",
    Kind.AFTER: "после",
    Kind.BETWEEN: "между",
    Kind.AND: "и",
    Kind.TO: "до, по",
}
ARABIC = {
    Kind.FILLER: "في, من, خلال, عام, عامي, سنة, ال, يوم",
    Kind.LAST: "الماضي, الماضية, الماضيين, الماضيه, الفائت, الفائتة, المنصرم, الأخير, الأخيرة, آخر",
    Kind.THIS: "هذا, هذه, الحالي, الحالية",
    Kind.AGO_BEFORE: "قبل, منذ",
    Kind.RELATIVE_DAY: "اليوم=0, أمس=-1, البارحة=-1, أول أمس=-2, أول من أمس=-2",
    Kind.UNIT: "يوم=day, أسبوع=week, نهاية الأسبوع=weekend, شهر=month, سنة=year, عام=year,"
    " عقد=decade",
    Kind.UNITS: "أيام=day, أسابيع=week, أشهر=month, شهور=month, سنوات=year, أعوام=year,"
    " عقود=decade",
    Kind.COUNT_OF_UNITS: "يومين=2 day, أسبوعين=2 week, شهرين=2 month, سنتين=2 year, عامين=2 year",
    Kind.SEASON: "ربيع=spring, صيف=summer, خريف=autumn, شتاء=winter",
    Kind.COUNT: "واحد=1, ثلاثة=3, ثلاث=3, أربعة=4, أربع=4, خمسة=5, خمس=5, ستة=6, ست=6, سبعة=7,"
    " سبع=7, ثمانية=8, ثماني=8, تسعة=9, تسع=9, عشرة=10, عشر=10",
    Kind.DECADE: "عشرينيات=120, عشرينات=120, ثلاثينيات=30, ثلاثينات=30, أربعينيات=40, أربعينات=40,"
    " خمسينيات=50, خمسينات=50, ستينيات=60, ستينات=60, سبعينيات=70, سبعينات=70, ثمانينيات=80,"
    " ثمانينات=80, تسعينيات=90, تسعينات=90",
    Kind.FEW: "بضعة, بضع, عدة",
    Kind.PART: "أوائل=early, بداية=beginning, مطلع=beginning, منتصف=middle, أواخر=late, نهاية=end",
    Kind.SINCE: "منذ",
    Kind.UNTIL: "حتى, لغاية",
    Kind.BEFORE: "قبل",
    Kind.AFTER: "بعد",
    Kind.BETWEEN: "بين",
    Kind.AND: "و",
    Kind.TO: "إلى, حتى",
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
NUMBERS = (
    Kind.COUNT, Kind.MONTH, Kind.RELATIVE_DAY, Kind.DECADE, Kind.DECADE_NUMBER, Kind.ORDINAL,
    Kind.HEBREW_MONTH,
)  # fmt: skip


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
        _add(words, phrase, Item(Kind.THIS), Item(Kind.UNIT, Unit(name, SUNDAY)))
    for phrase, name in LAST.items():
        _add(words, phrase, Item(Kind.LAST), Item(Kind.UNIT, Unit(name, SUNDAY)))
    for phrases, holiday in HOLIDAYS.items():
        for phrase in phrases.split(","):
            _add(words, phrase, Item(Kind.HOLIDAY, holiday))
    for one in calendar_names():
        first = SUNDAY if one.language == "he" else MONDAY
        kind = Kind(one.kind)
        is_month = kind == Kind.MONTH
        item = Item(kind, one.number if is_month else (one.number, first))
        for spelling in (one.name, one.name + ".") if is_month else (one.name,):
            _add(words, spelling, item)
    return words


def _value(kind: Kind, text: str, first: int) -> Any:
    """The value of a table's text after "="."""
    if kind in (Kind.UNIT, Kind.UNITS):
        return Unit(text, first)
    if kind == Kind.COUNT_OF_UNITS:
        count, name = text.split()
        return int(count), Unit(name, first)
    if kind == Kind.WEEKDAY:
        return int(text), first
    if kind in NUMBERS:
        return int(text)
    if kind == Kind.PART:
        return Part[text.upper()]
    return text or None


def _add(words: Words, phrase: str, *items: Item) -> None:
    words.setdefault(folded_words(re.sub(r"[\u200e\u200f]", "", phrase)), set()).add(items)


@functools.cache
def own_words() -> frozenset[str]:
    """Words of dates in English and Hebrew, in which questions are usually asked."""
    found = set(own_months())
    for table in (ENGLISH, HEBREW):
        for entries in table.values():
            for entry in entries.split(","):
                found.update(folded_words(entry.partition("=")[0]))
    return frozenset(found)


@functools.cache
def own_months() -> frozenset[str]:
    """Names of months in English and Hebrew, the short ones too."""
    names = (one for one in calendar_names() if one.kind == "M")
    found = {"sept", "מרס", *(one.name for one in names if one.language in ("en", "he"))}
    return frozenset(word for name in found for word in folded_words(name))


@functools.cache
def abbreviations() -> frozenset[str]:
    """Short names of months in any language: many are words elsewhere."""
    found = set()
    for phrase, meanings in vocabulary().items():
        if any(items[0].kind == Kind.MONTH for items in meanings) and len(phrase[0]) < 4:
            found.add(phrase[0])
    return frozenset(found - {"mai", "mei", "май", "мая", "мае"})


@functools.cache
def weekdays() -> frozenset[str]:
    """Names of weekdays, without short ones."""
    return frozenset(
        word
        for phrase, meanings in vocabulary().items()
        for word in phrase
        if len(word) > 4 and any(item.kind == Kind.WEEKDAY for items in meanings for item in items)
    )
