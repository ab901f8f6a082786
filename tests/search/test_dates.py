"""Dates as people say them: what each form means, and that nothing else is read."""

from __future__ import annotations

import datetime

import pytest

from photosd.core.errors import BadRequest
from photosd.search import dates
from photosd.search.dates import find_dates, period_of

NOW = datetime.datetime(2026, 11, 26, 14, 30)  # a Thursday

# What is said, and what it names: as short as ISO 8601 allows, the last day included.
NUMBERS = """
2019 = 2019
1950 = 1950
in 2019 = 2019
the year 2019 = 2019
in the year 2019 = 2019
2019-02 = 2019-02
2019/02 = 2019-02
2019.2 = 2019-02
02/2019 = 2019-02
2/2019 = 2019-02
08/2019 = 2019-08
2019-12-31 = 2019-12-31
2019/12/31 = 2019-12-31
2019-2-3 = 2019-02-03
20190831 = 2019-08-31
20200229 = 2020-02-29
31/05/2019 = 2019-05-31
05/31/2019 = 2019-05-31
31.5.2019 = 2019-05-31
31-05-2019 = 2019-05-31
5/5/2020 = 2020-05-05
31/5 = 2026-05-31
2019-W22 = 2019-05-27..2019-06-02
2019W22 = 2019-05-27..2019-06-02
2019-w22 = 2019-05-27..2019-06-02
2020-W53 = 2020-12-28..2021-01-03
2019-W22-3 = 2019-05-29
week 22 of 2019 = 2019-05-27..2019-06-02
week 22, 2019 = 2019-05-27..2019-06-02
2019 week 22 = 2019-05-27..2019-06-02
2019-2021 = 2019-01-01..2021-12-31
2019 - 2021 = 2019-01-01..2021-12-31
2019–2021 = 2019-01-01..2021-12-31
2019..2021 = 2019-01-01..2021-12-31
2019-08..2019-10 = 2019-08-01..2019-10-31
2019-08-2019-10 = 2019-08-01..2019-10-31
2019-08-01..2019-08-15 = 2019-08-01..2019-08-15
2019-08-01-2019-08-15 = 2019-08-01..2019-08-15
20190801..20190815 = 2019-08-01..2019-08-15
2019-W22..2019-W23 = 2019-05-27..2019-06-09
٢٠١٩ = 2019
"""
DAYS = """
today = 2026-11-26
yesterday = 2026-11-25
the day before yesterday = 2026-11-24
day before yesterday = 2026-11-24
monday = 2026-11-23
Thursday = 2026-11-26
friday = 2026-11-20
on Friday = 2026-11-20
Fri = 2026-11-20
last friday = 2026-11-20
last thursday = 2026-11-19
last sunday = 2026-11-22
previous monday = 2026-11-23
this friday = 2026-11-27
this monday = 2026-11-23
this thursday = 2026-11-26
31 May 2019 = 2019-05-31
31st of May 2019 = 2019-05-31
the 31st of May, 2019 = 2019-05-31
May 31 2019 = 2019-05-31
May 31, 2019 = 2019-05-31
May 31st, 2019 = 2019-05-31
Friday 31 May 2019 = 2019-05-31
Friday, May 31st, 2019 = 2019-05-31
Friday 2019-05-31 = 2019-05-31
29 February 2020 = 2020-02-29
31 May = 2026-05-31
May 31 = 2026-05-31
25 December = 2025-12-25
the 3rd of june = 2026-06-03
29 February = 2024-02-29
3 days ago = 2026-11-23
one day ago = 2026-11-25
a day ago = 2026-11-25
ten days ago = 2026-11-16
400 days ago = 2025-10-22
past 10 days = 2026-11-16..2026-11-26
last 3 days = 2026-11-23..2026-11-26
the last two days = 2026-11-24..2026-11-26
"""
WEEKS = """
this week = 2026-11-23..2026-11-29
last week = 2026-11-16..2026-11-22
previous week = 2026-11-16..2026-11-22
a week ago = 2026-11-16..2026-11-22
one week ago = 2026-11-16..2026-11-22
3 weeks ago = 2026-11-02..2026-11-08
three weeks ago = 2026-11-02..2026-11-08
a couple of weeks ago = 2026-11-09..2026-11-15
the week before last = 2026-11-09..2026-11-15
this past week = 2026-11-19..2026-11-26
a fortnight ago = 2026-11-09..2026-11-15
past week = 2026-11-19..2026-11-26
the past week = 2026-11-19..2026-11-26
last 2 weeks = 2026-11-12..2026-11-26
past two weeks = 2026-11-12..2026-11-26
this weekend = 2026-11-28..2026-11-29
last weekend = 2026-11-21..2026-11-22
a weekend ago = 2026-11-21..2026-11-22
2 weekends ago = 2026-11-14..2026-11-15
"""
MONTHS = """
May 2019 = 2019-05
may of 2019 = 2019-05
in May 2019 = 2019-05
May, 2019 = 2019-05
2019 May = 2019-05
DECEMBER 2019 = 2019-12
Sep 2019 = 2019-09
Sept 2019 = 2019-09
Jan. 2019 = 2019-01
may = 2026-05
November = 2026-11
december = 2025-12
this november = 2026-11
this march = 2026-03
last november = 2025-11
last june = 2026-06
last december = 2025-12
August last year = 2025-08
august of last year = 2025-08
march this year = 2026-03
this month = 2026-11
last month = 2026-10
a month ago = 2026-10
3 months ago = 2026-08
eleven months ago = 2025-12
past month = 2026-10-26..2026-11-26
last 3 months = 2026-08-26..2026-11-26
the last six months = 2026-05-26..2026-11-26
"""
YEARS = """
this year = 2026
last year = 2025
a year ago = 2025
3 years ago = 2023
seven years ago = 2019
over the past year = 2025-11-26..2026-11-26
the year before last = 2024
past year = 2025-11-26..2026-11-26
last 2 years = 2024-11-26..2026-11-26
the 90s = 1990-01-01..1999-12-31
90s = 1990-01-01..1999-12-31
'90s = 1990-01-01..1999-12-31
90's = 1990-01-01..1999-12-31
1990s = 1990-01-01..1999-12-31
the 1990s = 1990-01-01..1999-12-31
1990's = 1990-01-01..1999-12-31
the nineties = 1990-01-01..1999-12-31
in the sixties = 1960-01-01..1969-12-31
2010s = 2010-01-01..2019-12-31
the 2000s = 2000-01-01..2009-12-31
00s = 2000-01-01..2009-12-31
the noughties = 2000-01-01..2009-12-31
the 20s = 2020-01-01..2029-12-31
this decade = 2020-01-01..2029-12-31
last decade = 2010-01-01..2019-12-31
two decades ago = 2000-01-01..2009-12-31
"""
SEASONS = """
summer 2019 = 2019-06-01..2019-08-31
Summer of 2019 = 2019-06-01..2019-08-31
the summer of 2018 = 2018-06-01..2018-08-31
in the spring of 2018 = 2018-03-01..2018-05-31
fall 2018 = 2018-09-01..2018-11-30
autumn 2018 = 2018-09-01..2018-11-30
winter 2020 = 2020-12-01..2021-02-28
winter 2019-2020 = 2019-12-01..2020-02-29
2019 summer = 2019-06-01..2019-08-31
last summer = 2026-06-01..2026-08-31
Last  Winter = 2025-12-01..2026-02-28
this past summer = 2026-06-01..2026-08-31
last autumn = 2025-09-01..2025-11-30
this autumn = 2026-09-01..2026-11-30
this summer = 2026-06-01..2026-08-31
this winter = 2026-12-01..2027-02-28
autumn = 2026-09-01..2026-11-30
winter = 2025-12-01..2026-02-28
summer last year = 2025-06-01..2025-08-31
"""
SPANS = """
between 2018 and 2020 = 2018-01-01..2020-12-31
between june and august 2019 = 2019-06-01..2019-08-31
between 3 and 9 August 2019 = 2019-08-03..2019-08-09
from May to July 2019 = 2019-05-01..2019-07-31
from june 2018 until august 2019 = 2018-06-01..2019-08-31
from 2018 to 2020 = 2018-01-01..2020-12-31
May-July 2019 = 2019-05-01..2019-07-31
may to july = 2026-05-01..2026-07-31
december to february = 2025-12-01..2026-02-28
3-9 August 2019 = 2019-08-03..2019-08-09
3 to 9 August 2019 = 2019-08-03..2019-08-09
28 July to 3 August 2019 = 2019-07-28..2019-08-03
1 August 2019 - 15 September 2019 = 2019-08-01..2019-09-15
2019-08-01 to 2019-08-31 = 2019-08
from summer 2018 to winter 2018 = 2018-06-01..2019-02-28
monday to wednesday = 2026-11-23..2026-11-25
from last week to yesterday = 2026-11-16..2026-11-25
since 2019 = since 2019-01-01
since last summer = since 2026-06-01
since yesterday = since 2026-11-25
from 2019 on = since 2019-01-01
from May 2019 onwards = since 2019-05-01
after 2019 = since 2020-01-01
after may 2019 = since 2019-06-01
before 2019 = before 2019-01-01
before last summer = before 2026-06-01
until 2019 = before 2020-01-01
till August 2019 = before 2019-09-01
until yesterday = before 2026-11-26
from 2019 = 2019
"""
HOLIDAYS = """
Christmas 2019 = 2019-12-25
xmas 2019 = 2019-12-25
christmas eve 2019 = 2019-12-24
last christmas = 2025-12-25
christmas = 2025-12-25
this christmas = 2026-12-25
New Year's Eve 2019 = 2019-12-31
new years eve 2019 = 2019-12-31
New Year’s Eve 2019 = 2019-12-31
last new year's eve = 2025-12-31
new year's day 2020 = 2020-01-01
new year 2020 = 2020-01-01
Halloween 2019 = 2019-10-31
valentine's day 2019 = 2019-02-14
4th of July 2019 = 2019-07-04
Thanksgiving 2019 = 2019-11-28
thanksgiving 2023 = 2023-11-23
this thanksgiving = 2026-11-26
last thanksgiving = 2025-11-27
Easter 2019 = 2019-04-21
easter 2018 = 2018-04-01
easter 2024 = 2024-03-31
good friday 2019 = 2019-04-19
easter monday 2020 = 2020-04-13
last easter = 2026-04-05
Passover 2022 = 2022-04-15..2022-04-22
pesach 2019 = 2019-04-19..2019-04-26
passover 2024 = 2024-04-22..2024-04-29
seder night 2022 = 2022-04-15
Hanukkah 2023 = 2023-12-07..2023-12-15
chanukah 2024 = 2024-12-25..2025-01-02
last hanukkah = 2025-12-14..2025-12-22
this hanukkah = 2026-12-04..2026-12-12
Rosh Hashanah 2023 = 2023-09-15..2023-09-17
erev rosh hashanah 2019 = 2019-09-29
Yom Kippur 2019 = 2019-10-08..2019-10-09
Sukkot 2019 = 2019-10-13..2019-10-20
simchat torah 2023 = 2023-10-06..2023-10-07
Purim 2024 = 2024-03-23..2024-03-24
purim 2022 = 2022-03-16..2022-03-17
purim last year = 2025-03-13..2025-03-14
Shavuot 2022 = 2022-06-04..2022-06-05
Lag BaOmer 2023 = 2023-05-08..2023-05-09
Tu BiShvat 2023 = 2023-02-05..2023-02-06
Independence Day 2019 = 2019-05-08..2019-05-09
independence day 2021 = 2021-04-14..2021-04-15
independence day 2023 = 2023-04-25..2023-04-26
yom haatzmaut 2024 = 2024-05-13..2024-05-14
independence day 2003 = 2003-05-06..2003-05-07
yom hashoah 2024 = 2024-05-05..2024-05-06
tisha b'av 2019 = 2019-08-10..2019-08-11
jerusalem day 2019 = 2019-06-01..2019-06-02
after passover 2022 = since 2022-04-23
from purim to passover 2022 = 2022-03-16..2022-04-22
"""
HEBREW = """
2019 = 2019
ב2019 = 2019
ב-2019 = 2019
ב־2019 = 2019
שנת 2019 = 2019
בשנת 2019 = 2019
היום = 2026-11-26
אתמול = 2026-11-25
שלשום = 2026-11-24
יום שישי = 2026-11-20
ביום שישי = 2026-11-20
ביום ו' = 2026-11-20
יום א׳ = 2026-11-22
שבת = 2026-11-21
בשבת = 2026-11-21
שבת שעברה = 2026-11-21
יום חמישי שעבר = 2026-11-19
יום שישי האחרון = 2026-11-20
יום שישי הזה = 2026-11-27
לפני יום = 2026-11-25
לפני יומיים = 2026-11-24
לפני 3 ימים = 2026-11-23
לפני שלושה ימים = 2026-11-23
31 במאי 2019 = 2019-05-31
ה-31 במאי 2019 = 2019-05-31
ב-31 במאי 2019 = 2019-05-31
ב31 במאי 2019 = 2019-05-31
יום שישי, 31 במאי 2019 = 2019-05-31
31 במאי = 2026-05-31
31.5.2019 = 2019-05-31
ב-31.5.2019 = 2019-05-31
השבוע = 2026-11-22..2026-11-28
שבוע שעבר = 2026-11-15..2026-11-21
בשבוע שעבר = 2026-11-15..2026-11-21
השבוע שעבר = 2026-11-15..2026-11-21
לפני שבוע = 2026-11-15..2026-11-21
לפני שבועיים = 2026-11-08..2026-11-14
לפני 3 שבועות = 2026-11-01..2026-11-07
לפני שלושה שבועות = 2026-11-01..2026-11-07
בשבוע האחרון = 2026-11-19..2026-11-26
בשבועיים האחרונים = 2026-11-12..2026-11-26
סוף שבוע שעבר = 2026-11-20..2026-11-21
בסוף השבוע שעבר = 2026-11-20..2026-11-21
סוף השבוע האחרון = 2026-11-20..2026-11-21
סוף השבוע = 2026-11-27..2026-11-28
מאי 2019 = 2019-05
באוגוסט 2019 = 2019-08
אוג׳ 2019 = 2019-08
מרץ 2019 = 2019-03
מרס 2019 = 2019-03
ינואר = 2026-01
בדצמבר = 2025-12
נובמבר שעבר = 2025-11
יוני האחרון = 2026-06
אוגוסט שנה שעברה = 2025-08
באוגוסט של השנה שעברה = 2025-08
החודש = 2026-11
חודש שעבר = 2026-10
בחודש שעבר = 2026-10
לפני חודש = 2026-10
לפני חודשיים = 2026-09
לפני 3 חודשים = 2026-08
לפני שלושה חודשים = 2026-08
בחודש האחרון = 2026-10-26..2026-11-26
3 החודשים האחרונים = 2026-08-26..2026-11-26
בשלושת החודשים האחרונים = 2026-08-26..2026-11-26
בחודשיים האחרונים = 2026-09-26..2026-11-26
השנה = 2026
שנה שעברה = 2025
בשנה שעברה = 2025
לפני שנה = 2025
לפני שנתיים = 2024
לפני 3 שנים = 2023
לפני חמש שנים = 2021
בשנה האחרונה = 2025-11-26..2026-11-26
בשנתיים האחרונות = 2024-11-26..2026-11-26
שנות ה-90 = 1990-01-01..1999-12-31
שנות ה־90 = 1990-01-01..1999-12-31
בשנות ה90 = 1990-01-01..1999-12-31
שנות התשעים = 1990-01-01..1999-12-31
שנות השמונים = 1980-01-01..1989-12-31
שנות ה-2000 = 2000-01-01..2009-12-31
העשור הקודם = 2010-01-01..2019-12-31
תשע"ט = 2018-09-10..2019-09-29
בשנת תשע"ט = 2018-09-10..2019-09-29
בשנים 2018-2020 = 2018-01-01..2020-12-31
בין השנים 2018 ל-2020 = 2018-01-01..2020-12-31
לפני כשנה = 2025
לפני 30 שנה = 1996
בעשר השנים האחרונות = 2016-11-26..2026-11-26
הסופ"ש האחרון = 2026-11-20..2026-11-21
תשע״ט = 2018-09-10..2019-09-29
תשפ"ד = 2023-09-16..2024-10-02
קיץ 2019 = 2019-06-01..2019-08-31
בקיץ 2019 = 2019-06-01..2019-08-31
קיצ 2019 = 2019-06-01..2019-08-31
אביב 2018 = 2018-03-01..2018-05-31
סתיו 2018 = 2018-09-01..2018-11-30
חורף 2020 = 2020-12-01..2021-02-28
חורף 2019-2020 = 2019-12-01..2020-02-29
קיץ שעבר = 2026-06-01..2026-08-31
בקיץ שעבר = 2026-06-01..2026-08-31
הקיץ האחרון = 2026-06-01..2026-08-31
בקיץ האחרון = 2026-06-01..2026-08-31
הקיץ הזה = 2026-06-01..2026-08-31
הקיץ = 2026-06-01..2026-08-31
החורף שעבר = 2025-12-01..2026-02-28
בקיץ של שנה שעברה = 2025-06-01..2025-08-31
בין 2018 ל-2020 = 2018-01-01..2020-12-31
בין 2018 ל2020 = 2018-01-01..2020-12-31
בין יוני לאוגוסט 2019 = 2019-06-01..2019-08-31
בין יוני ואוגוסט 2019 = 2019-06-01..2019-08-31
בין ה-3 ל-9 באוגוסט 2019 = 2019-08-03..2019-08-09
מ-2018 עד 2020 = 2018-01-01..2020-12-31
מיוני עד אוגוסט 2019 = 2019-06-01..2019-08-31
מ-3 ל-9 באוגוסט 2019 = 2019-08-03..2019-08-09
יולי-אוגוסט 2019 = 2019-07-01..2019-08-31
מאז 2019 = since 2019-01-01
מאז הקיץ האחרון = since 2026-06-01
מ-2019 והלאה = since 2019-01-01
עד 2019 = before 2020-01-01
עד אתמול = before 2026-11-26
לפני 2019 = before 2019-01-01
לפני קיץ 2019 = before 2019-06-01
אחרי 2019 = since 2020-01-01
פסח 2022 = 2022-04-15..2022-04-22
בפסח 2022 = 2022-04-15..2022-04-22
חג הפסח 2022 = 2022-04-15..2022-04-22
ערב פסח 2022 = 2022-04-15
ליל הסדר 2022 = 2022-04-15
חנוכה 2023 = 2023-12-07..2023-12-15
חנוכה האחרון = 2025-12-14..2025-12-22
בחנוכה שעבר = 2025-12-14..2025-12-22
ראש השנה 2023 = 2023-09-15..2023-09-17
יום כיפור 2019 = 2019-10-08..2019-10-09
סוכות 2019 = 2019-10-13..2019-10-20
שמחת תורה 2023 = 2023-10-06..2023-10-07
פורים 2024 = 2024-03-23..2024-03-24
בפורים שנה שעברה = 2025-03-13..2025-03-14
שבועות 2022 = 2022-06-04..2022-06-05
חג השבועות 2022 = 2022-06-04..2022-06-05
ל"ג בעומר 2023 = 2023-05-08..2023-05-09
ל״ג בעומר 2023 = 2023-05-08..2023-05-09
לג בעומר 2023 = 2023-05-08..2023-05-09
ט"ו בשבט 2023 = 2023-02-05..2023-02-06
יום העצמאות 2019 = 2019-05-08..2019-05-09
יום השואה 2021 = 2021-04-07..2021-04-08
יום הזיכרון 2019 = 2019-05-07..2019-05-08
תשעה באב 2019 = 2019-08-10..2019-08-11
סילבסטר 2019 = 2019-12-31
חג המולד 2019 = 2019-12-25
אחרי פסח 2022 = since 2022-04-23
\u200fקיץ שעבר\u200f = 2026-06-01..2026-08-31
קַיִץ 2019 = 2019-06-01..2019-08-31
"""
OTHERS = """
heute = 2026-11-26
gestern = 2026-11-25
vorgestern = 2026-11-24
letzten Freitag = 2026-11-20
letzte Woche = 2026-11-16..2026-11-22
diese Woche = 2026-11-23..2026-11-29
vor 3 Wochen = 2026-11-02..2026-11-08
vor einem Jahr = 2025
letzten Monat = 2026-10
letztes Jahr = 2025
letzten Sommer = 2026-06-01..2026-08-31
im Sommer 2019 = 2019-06-01..2019-08-31
Frühling 2019 = 2019-03-01..2019-05-31
März 2019 = 2019-03
im Mai 2019 = 2019-05
Jänner 2019 = 2019-01
3. August 2019 = 2019-08-03
die letzten 3 Monate = 2026-08-26..2026-11-26
letztes Wochenende = 2026-11-21..2026-11-22
aujourd'hui = 2026-11-26
hier = 2026-11-25
avant-hier = 2026-11-24
vendredi dernier = 2026-11-20
la semaine dernière = 2026-11-16..2026-11-22
il y a 3 semaines = 2026-11-02..2026-11-08
il y a un an = 2025
le mois dernier = 2026-10
cette année = 2026
l'année dernière = 2025
l'été dernier = 2026-06-01..2026-08-31
été 2019 = 2019-06-01..2019-08-31
l’hiver 2019 = 2019-12-01..2020-02-29
août 2019 = 2019-08
janv. 2019 = 2019-01
le 3 août 2019 = 2019-08-03
1er mai 2019 = 2019-05-01
les 3 derniers mois = 2026-08-26..2026-11-26
hoy = 2026-11-26
ayer = 2026-11-25
semana pasada = 2026-11-16..2026-11-22
la semana pasada = 2026-11-16..2026-11-22
hace 3 semanas = 2026-11-02..2026-11-08
hace un año = 2025
el mes pasado = 2026-10
este año = 2026
el verano pasado = 2026-06-01..2026-08-31
verano de 2019 = 2019-06-01..2019-08-31
otoño 2019 = 2019-09-01..2019-11-30
agosto de 2019 = 2019-08
3 de agosto de 2019 = 2019-08-03
últimos 3 meses = 2026-08-26..2026-11-26
oggi = 2026-11-26
ieri = 2026-11-25
l'altro ieri = 2026-11-24
la settimana scorsa = 2026-11-16..2026-11-22
tre settimane fa = 2026-11-02..2026-11-08
un anno fa = 2025
il mese scorso = 2026-10
quest'anno = 2026
l'estate scorsa = 2026-06-01..2026-08-31
estate 2019 = 2019-06-01..2019-08-31
nell'estate del 2019 = 2019-06-01..2019-08-31
agosto 2019 = 2019-08
hoje = 2026-11-26
ontem = 2026-11-25
semana passada = 2026-11-16..2026-11-22
há 3 semanas = 2026-11-02..2026-11-08
3 semanas atrás = 2026-11-02..2026-11-08
mês passado = 2026-10
ano passado = 2025
no verão passado = 2026-06-01..2026-08-31
verão de 2019 = 2019-06-01..2019-08-31
março de 2019 = 2019-03
sexta-feira passada = 2026-11-20
vandaag = 2026-11-26
gisteren = 2026-11-25
eergisteren = 2026-11-24
vorige week = 2026-11-16..2026-11-22
3 weken geleden = 2026-11-02..2026-11-08
vorige maand = 2026-10
vorig jaar = 2025
afgelopen zomer = 2026-06-01..2026-08-31
zomer 2019 = 2019-06-01..2019-08-31
maart 2019 = 2019-03
сегодня = 2026-11-26
вчера = 2026-11-25
позавчера = 2026-11-24
на прошлой неделе = 2026-11-16..2026-11-22
неделю назад = 2026-11-16..2026-11-22
3 недели назад = 2026-11-02..2026-11-08
пять лет назад = 2021
в прошлом месяце = 2026-10
в прошлом году = 2025
в этом году = 2026
прошлым летом = 2026-06-01..2026-08-31
летом 2019 года = 2019-06-01..2019-08-31
лето 2019 = 2019-06-01..2019-08-31
август 2019 = 2019-08
в августе 2019 года = 2019-08
3 мая 2019 = 2019-05-03
اليوم = 2026-11-26
أمس = 2026-11-25
أول أمس = 2026-11-24
الجمعة الماضية = 2026-11-20
الأسبوع الماضي = 2026-11-16..2026-11-22
قبل أسبوع = 2026-11-16..2026-11-22
قبل 3 أسابيع = 2026-11-02..2026-11-08
منذ أسبوعين = 2026-11-09..2026-11-15
الشهر الماضي = 2026-10
قبل شهرين = 2026-09
العام الماضي = 2025
السنة الماضية = 2025
الصيف الماضي = 2026-06-01..2026-08-31
صيف 2019 = 2019-06-01..2019-08-31
في صيف عام 2019 = 2019-06-01..2019-08-31
أغسطس 2019 = 2019-08
آب 2019 = 2019-08
كانون الثاني 2019 = 2019-01
"""


def rows(*tables: str) -> list[tuple[str, str]]:
    """Lines ``said = meant`` of tables."""
    lines = "".join(tables).replace("\\u200f", "\u200f").strip().splitlines()
    return [(said, meant) for said, _, meant in (line.partition(" = ") for line in lines if line)]


ENGLISH = (NUMBERS, DAYS, WEEKS, MONTHS, YEARS, SEASONS, SPANS, HOLIDAYS)


LATER = """
half a year ago = 2026-05
the last half year = 2026-05-26..2026-11-26
a year and a half ago = 2025-05
twenty years ago = 2006
last thirty days = 2026-10-27..2026-11-26
the fifties = 1950-01-01..1959-12-31
winter 2019/20 = 2019-12-01..2020-02-29
winter 2019-20 = 2019-12-01..2020-02-29
winter 2019/2020 = 2019-12-01..2020-02-29
winter 1999/00 = 1999-12-01..2000-02-29
Winter 2011/12 = 2011-12-01..2012-02-29
2011/12 = 2011-12
Tu B'Av 2021 = 2021-07-23..2021-07-24
לפני חצי שנה = 2026-05
בחצי השנה האחרונה = 2026-05-26..2026-11-26
לפני שנה וחצי = 2025-05
לפני עשרים שנה = 2006
לפני אחת עשרה שנה = 2015
שנות החמישים = 1950-01-01..1959-12-31
אמש = 2026-11-25
אשתקד = 2025
הקיץ אשתקד = 2025-06-01..2025-08-31
ט"ו באב 2020 = 2020-08-04..2020-08-05
כריסמס 2019 = 2019-12-25
התשע"ט = 2018-09-10..2019-09-29
פסח תש"פ = 2020-04-08..2020-04-15
חנוכה תשע"ט = 2018-12-02..2018-12-10
ראש השנה תשע"ט = 2018-09-09..2018-09-11
ערב ראש השנה תשע"ט = 2018-09-09
ערב פסח תש"פ = 2020-04-08
חג המולד תשע"ט = 2018-12-25
ביום ב' שעבר = 2026-11-23
ביום ה' שעבר = 2026-11-19
יום ו' האחרון = 2026-11-20
negli ultimi tre mesi = 2026-08-26..2026-11-26
ces trois derniers mois = 2026-08-26..2026-11-26
летом прошлого года = 2025-06-01..2025-08-31
в мае прошлого года = 2025-05
يوم الجمعة = 2026-11-20
"""


def test_the_tables_are_long_enough() -> None:
    """The two languages that are complete have more than 300 rows between them."""
    assert len(rows(*ENGLISH, HEBREW)) >= 300


@pytest.mark.parametrize(("said", "meant"), rows(*ENGLISH, HEBREW, OTHERS, LATER))
def test_what_people_say_is_a_time(said: str, meant: str) -> None:
    """In ten languages, as it is written and in capitals."""
    assert str(period_of(said, NOW)) == meant
    assert str(period_of(f"  {said.upper()} ", NOW)) == meant


@pytest.mark.parametrize(
    ("now", "said", "meant"),
    [
        ("2026-01-10", "this winter", "2025-12-01..2026-02-28"),
        ("2026-01-10", "last winter", "2024-12-01..2025-02-28"),
        ("2026-01-10", "winter", "2025-12-01..2026-02-28"),
        ("2026-01-10", "החורף הזה", "2025-12-01..2026-02-28"),
        ("2026-03-10", "this winter", "2025-12-01..2026-02-28"),
        ("2026-12-10", "this winter", "2026-12-01..2027-02-28"),
        ("2026-12-10", "last winter", "2025-12-01..2026-02-28"),
        ("2026-11-01", "last november", "2025-11"),
        ("2026-11-30T23:59", "last november", "2025-11"),
        ("2026-12-01", "last november", "2026-11"),
        ("2026-11-30T23:59", "this november", "2026-11"),
        ("2026-01-01", "last december", "2025-12"),
        ("2026-01-01", "last year", "2025"),
        ("2026-01-01", "yesterday", "2025-12-31"),
        ("2026-01-01", "a month ago", "2025-12"),
        ("2026-03-31", "a month ago", "2026-02"),
        ("2026-03-31", "past month", "2026-02-28..2026-03-31"),
        ("2024-02-29", "a year ago", "2023"),
        ("2024-02-29", "past year", "2023-02-28..2024-02-29"),
        ("2024-02-29", "last 4 years", "2020-02-29..2024-02-29"),
        ("2026-11-27", "last friday", "2026-11-20"),
        ("2026-11-27", "friday", "2026-11-27"),
        ("2026-11-27", "this friday", "2026-11-27"),
        ("2026-11-28", "last friday", "2026-11-27"),
        ("2026-11-29", "last weekend", "2026-11-21..2026-11-22"),
        ("2026-11-29", "this weekend", "2026-11-28..2026-11-29"),
        ("2026-11-30", "last weekend", "2026-11-28..2026-11-29"),
        ("2026-11-29", "last week", "2026-11-16..2026-11-22"),
        ("2026-11-29", "שבוע שעבר", "2026-11-22..2026-11-28"),  # its week began this Sunday
        ("2026-11-28", "שבוע שעבר", "2026-11-15..2026-11-21"),
        ("2026-11-29", "השבוע", "2026-11-29..2026-12-05"),
        ("2026-12-08", "last hanukkah", "2025-12-14..2025-12-22"),
        ("2026-12-08", "hanukkah", "2026-12-04..2026-12-12"),
        ("2025-01-02", "this hanukkah", "2024-12-25..2025-01-02"),
        ("2026-01-01", "new year's eve", "2025-12-31"),
        ("2026-07-05", "june to august", "2025-06-01..2025-08-31"),
        ("2019-12-31", "this decade", "2010-01-01..2019-12-31"),
        ("2020-01-01", "last decade", "2010-01-01..2019-12-31"),
        ("2026-02-28", "29 February", "2024-02-29"),
        ("2000-01-05", "29 February", "1996-02-29"),
    ],
)
def test_this_and_last_at_a_border(now: str, said: str, meant: str) -> None:
    """At the turn of years, months, weeks and seasons, and on the day itself."""
    assert str(period_of(said, datetime.datetime.fromisoformat(now))) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "foo", "blah", "a", "an", "the", "in", "of", "1", "5", "19", "'19", "99", "199",
        "20199", "0000", "1204", "9999", "201908", "190831", "12:30", "31/05/19", "1.2.19",
        "2019-02-31", "2019-13", "2019-21", "2019/20", "32/05/2019", "31/04/2019", "13/13/2019",
        "20190231", "20191301", "2019-W54", "2019-W00", "2019-W22-8", "31 February 2019",
        "29 February 2019", "40 May", "0 May 2019", "Thursday 31 May 2019", "95s", "1995s",
        "summer x", "may may", "2019 2020", "last", "this", "ago", "last last week", "last 2019",
        "weeks ago", "last weeks", "0 weeks ago", "last 0 days", "3 ago", "3 weeks", "week",
        "month", "year", "days", "week 22", "week 60 of 2019", "year 2019-05", "last summer 2019",
        "this may 2019", "summer of '69", "some time ago", "long ago", "soon", "tomorrow",
        "next week",
        "and", "between", "between 2018", "between 2018 and", "2018 and", "from", "to 2019",
        "-2019", "2019-", "..2019", "since", "before", "since since 2019", "1234567890",
        "90 seconds ago", "2019-05-31T10:00Z", "2019-05-31T25:00", "IMG_2019", "v2019", "2019a",
        "march on", "sunset", "seconds", "999 years ago", "999999 days ago",
        "99 decades ago", "independence day 1900",
        "לפני", "לפני ימים", "לפני כמה ימים", "ב", "של", "שנות", "שנות ה-95", "תשעים",
        "עד שלושים", "תל אביב", 'ת"א',
        "חתול", "א", "yestertoday", "\u200f", "🐶", "2019🐶", "٣", "second", "first of may",
        "summer summer", "of 2019 the may", "in in in in 2019", "2019 of the in the of in may",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    """With what would be read; nothing is taken for something else."""
    with pytest.raises(BadRequest, match="Cannot read the date '") as caught:
        period_of(text, NOW)
    assert text in str(caught.value)
    assert caught.value.remedy.startswith(("Try: 2019-08", "Write the year", "Leave out"))


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("03/04/2020", ["2020-03-04", "2020-04-03"]),
        ("3.4.2020", ["2020-03-04", "2020-04-03"]),
        ("5/6", ["2026-05-06", "2026-06-05"]),
        ("Aug 19", ["2019-08", "2026-08-19"]),
        ("May 05", ["2005-05", "2026-05-05"]),
        ("ב-3.4.2020", ["2020-03-04", "2020-04-03"]),
    ],
)
def test_what_can_mean_two_days_is_refused(text: str, readings: list[str]) -> None:
    """With both of them, and each is read when it is written as proposed."""
    with pytest.raises(BadRequest, match="can mean") as caught:
        period_of(text, NOW)
    assert caught.value.remedy == "write " + " or ".join(readings)
    assert [str(period_of(one, NOW)) for one in readings] == readings


@pytest.mark.parametrize("text", ["2021-2019", "from 2020 to 2019", "from yesterday to last week"])
def test_what_ends_before_it_begins_is_refused(text: str) -> None:
    """With what to do."""
    with pytest.raises(BadRequest, match="ends before it begins"):
        period_of(text, NOW)


def test_a_moment_lasts_as_long_as_it_is_exact() -> None:
    """A minute or a second."""
    begin = datetime.datetime(2019, 12, 31, 10)
    assert period_of("2019-12-31T10:00", NOW) == dates.Period(begin, begin.replace(minute=1))
    assert period_of("2019-12-31 10:00:00", NOW) == dates.Period(begin, begin.replace(second=1))
    hour = dates.Period(NOW.replace(hour=11, minute=0), NOW.replace(hour=12, minute=0))
    assert period_of("3 hours ago", NOW) == period_of("לפני 3 שעות", NOW) == hour


def test_since_is_from_the_beginning_and_until_has_all_of_it() -> None:
    """In wall-clock seconds; what has no such side is refused."""
    utc = datetime.UTC
    assert dates.since("20190831", NOW) == datetime.datetime(2019, 8, 31, tzinfo=utc).timestamp()
    assert dates.until("20190831", NOW) == datetime.datetime(2019, 9, 1, tzinfo=utc).timestamp()
    assert dates.until("2019-W22", NOW) == datetime.datetime(2019, 6, 3, tzinfo=utc).timestamp()
    with pytest.raises(BadRequest, match="has no beginning"):
        dates.since("before 2019", NOW)
    with pytest.raises(BadRequest, match="has no end"):
        dates.until("since 2019", NOW)


def test_without_a_now_the_clock_is_asked() -> None:
    """Today is today."""
    assert datetime.datetime.now() in period_of("today")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beach last summer", [("last summer", "2026-06-01..2026-08-31")]),
        ("חוף בקיץ 2023", [("בקיץ 2023", "2023-06-01..2023-08-31")]),
        ("Noa at the beach in August 2019", [("in August 2019", "2019-08")]),
        ("the dog, 2019-05-31!", [("2019-05-31", "2019-05-31")]),
        ("sunset 2018 or 2020", [("2018", "2018"), ("2020", "2020")]),
        ("dog June to August 2019", [("June to August 2019", "2019-06-01..2019-08-31")]),
        ("כלב לפני שבועיים בפארק", [("לפני שבועיים", "2026-11-08..2026-11-14")]),
        ("snow since 2019", [("since 2019", "since 2019-01-01")]),
        ("christmas tree", []),
        ("christmas tree 2019", [("2019", "2019")]),
        ("spring flowers in may", []),
        ("IMG_2041 march 5/6 sun", []),
        ("a dog and a cat", []),
        ("a man in his forties", []),
        ("a woman in her 40s", []),
        ("a party in the 90s", [("in the 90s", "1990-01-01..1999-12-31")]),
        ("meeting 03/04/2020", []),
        ("été 2019 à Nice", [("été 2019", "2019-06-01..2019-08-31")]),
        ("", []),
    ],
)  # fmt: skip
def test_dates_are_found_inside_questions(text: str, expected: list[tuple[str, str]]) -> None:
    """The longest phrases, with their places; words that may mean something else are left alone."""
    found = find_dates(text, NOW)
    assert [(text[one.start : one.end], str(one.period)) for one in found] == expected
