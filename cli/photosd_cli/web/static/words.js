// English and Hebrew; dates and numbers by the browser.

const en = {
  home: "Newest photos", search: "Search", placeholder: "Describe a photo", pick: "Search by a picture", filters: "Filters", menu: "Menu",
  daemon: "Indexing", alerts: "Alerts", duplicates: "Duplicates", folders: "Folders", other_language: "עברית", keys: "Keys",
  save_alert: "Save as alert", size: "Size of the photos", small: "Small", medium: "Medium", large: "Large", sort: "Order",
  best: "Best first", newest: "Newest first", oldest: "Oldest first", photos: "Photos", selected: "Selected photos",
  copy_paths: "Copy paths", zip: "Download zip", clear: "Clear", photo: "Photo", previous: "Previous (←)", next: "Next (→)",
  details: "Details (i)", close: "Close (Esc)", actions: "Actions", similar: "Similar", more_like: "+ More like this", less_like: "− Less like this",
  copy_path: "Copy path", reveal: "Show in folder", download: "Download", drop_here: "Drop a picture to search by it",
  n_matches: (n) => n === 1 ? "1 match" : `${num(n)} matches`, n_photos: (n) => n === 1 ? "1 photo" : `${num(n)} photos`,
  n_selected: (n) => `${num(n)} selected`, no_good: "No good matches", nothing: "No photos", none_yet: "No photos yet. Add a folder to begin.",
  weaker_show: "Weaker matches ▸", weaker_hide: "Weaker matches ▾", remove: (what) => `Remove ${what}`, end: "End of the list",
  why: "Why it matched", name: "Name", date: "Date", place: "Place", camera: "Camera", lens: "Lens", folder: "Folder", file: "File", people: "People", tags: "Tags",
  title: "Title", caption: "Caption", rating: "Rating", pixels: "Pixels", bytes: "Size", copies: "Copies", match: "Match", indexed_from: "Indexed from", offline: "disk offline",
  coordinates: "Coordinates",
  src: { clip: "look", name: "name", caption: "text", place: "place", tag: "tag", person: "person", date: "date", filter: "filter" },
  strength: { strong: "strong", fair: "fair", weak: "weak" },
  state: { ready: "Ready", warming: "Loading the model", degraded: "Needs attention", stopping: "Stopping", down: "Restarting", connecting: "Connecting" },
  of_indexed: (a, b) => `${num(a)} of ${num(b)} photos indexed`, rate: (n) => `${num(n)} photos a second`, eta: (text) => `done in about ${text}`,
  paused: "Indexing is paused", pause: "Pause", resume: "Resume", model: "Model", failed: (n) => n === 1 ? "1 photo could not be read" : `${num(n)} photos could not be read`,
  retry: "Retry", retried: (n) => `Retrying ${num(n)}`, show: "Show", failures: "Failures", offline_folder: "offline",
  down: "The daemon is restarting. This page continues when it answers.", server_gone: "photosd web has ended. Start it again in a terminal.",
  session: "This page is no longer connected. Start photosd web again.", copied: "Copied", copied_n: (n) => `${num(n)} paths copied`,
  no_alerts: "No alerts. Search, then choose “Save as alert”.", n_found: (n) => `${num(n)} found`, alert_saved: "Alert saved", alert_exists: "This alert exists already",
  alert_for: "Each new photo that matches:", kind_stream: "is listed here and in photosd on", kind_notify: "shows a notification", kind_link: "is linked in an album folder",
  album: "Folder of the album", save: "Save", cancel: "Cancel", add_folder: "Add a folder", add: "Add", remove_it: "Remove",
  remove_folder: (path) => `Stop watching ${path}? The files stay; their index entries go.`, folder_added: "Folder added",
  near_too: "Also photos that look alike", look: "Look for duplicates", keep: "keep", copy_list: "Copy the list of extra files", n_groups: (n) => n === 1 ? "1 group" : `${num(n)} groups`,
  looking: "Looking…", no_duplicates: "No duplicates", deletes_nothing: "The page deletes nothing.", stopped_at: (n) => `The first ${num(n)} groups are shown. All: photosd duplicates`,
  relation: { keep: "keep", copy: "identical", burst: "burst", alike: "looks alike" },
  facet: { year: "Year", month: "Month", place: "Place", country: "Country", person: "People", tag: "Tags", camera: "Camera", folder: "Folder", type: "Format" },
  not_understood: (words) => `Not understood: ${words}`, still: (n) => `${num(n)} still to be indexed`, examples: "Try", read_from: "Read from your words",
  k: { slash: "search", arrows: "move from photo to photo", enter: "open; in the box: search now", esc: "close, clear", s: "similar photos", c: "copy the path", x: "select", i: "details", z: "zoom", w: "weaker matches", ask: "this list" },
  selected_mark: "selected", undated: "Undated",
};

const he = {
  home: "התמונות החדשות", search: "חיפוש", placeholder: "תארו תמונה", pick: "חיפוש לפי תמונה", filters: "מסננים", menu: "תפריט",
  daemon: "אינדוקס", alerts: "התראות", duplicates: "כפילויות", folders: "תיקיות", other_language: "English", keys: "מקשים",
  save_alert: "שמירה כהתראה", size: "גודל התמונות", small: "קטן", medium: "בינוני", large: "גדול", sort: "סדר",
  best: "המתאימות תחילה", newest: "החדשות תחילה", oldest: "הישנות תחילה", photos: "תמונות", selected: "תמונות שנבחרו",
  copy_paths: "העתקת נתיבים", zip: "הורדת zip", clear: "ניקוי", photo: "תמונה", previous: "הקודמת", next: "הבאה",
  details: "פרטים (i)", close: "סגירה (Esc)", actions: "פעולות", similar: "דומות", more_like: "+ עוד כאלה", less_like: "− פחות כאלה",
  copy_path: "העתקת נתיב", reveal: "הצגה בתיקייה", download: "הורדה", drop_here: "שחררו תמונה כדי לחפש לפיה",
  n_matches: (n) => n === 1 ? "התאמה אחת" : `${num(n)} התאמות`, n_photos: (n) => n === 1 ? "תמונה אחת" : `${num(n)} תמונות`,
  n_selected: (n) => `${num(n)} נבחרו`, no_good: "אין התאמות טובות", nothing: "אין תמונות", none_yet: "אין עדיין תמונות. הוסיפו תיקייה כדי להתחיל.",
  weaker_show: "התאמות חלשות יותר ◂", weaker_hide: "התאמות חלשות יותר ▾", remove: (what) => `הסרת ${what}`, end: "סוף הרשימה",
  why: "למה התאימה", name: "שם", date: "תאריך", place: "מקום", camera: "מצלמה", lens: "עדשה", folder: "תיקייה", file: "קובץ", people: "אנשים", tags: "תגיות",
  title: "כותרת", caption: "תיאור", rating: "דירוג", pixels: "פיקסלים", bytes: "גודל", copies: "עותקים", match: "התאמה", indexed_from: "אונדקס מתוך", offline: "הדיסק מנותק",
  coordinates: "קואורדינטות",
  src: { clip: "מראה", name: "שם", caption: "טקסט", place: "מקום", tag: "תגית", person: "אדם", date: "תאריך", filter: "מסנן" },
  strength: { strong: "חזקה", fair: "סבירה", weak: "חלשה" },
  state: { ready: "מוכן", warming: "המודל נטען", degraded: "דורש טיפול", stopping: "נעצר", down: "מופעל מחדש", connecting: "מתחבר" },
  of_indexed: (a, b) => `${num(a)} מתוך ${num(b)} תמונות אונדקסו`, rate: (n) => `${num(n)} תמונות בשנייה`, eta: (text) => `יסתיים בעוד כ־${text}`,
  paused: "האינדוקס מושהה", pause: "השהיה", resume: "המשך", model: "מודל", failed: (n) => n === 1 ? "תמונה אחת לא נקראה" : `${num(n)} תמונות לא נקראו`,
  retry: "ניסיון חוזר", retried: (n) => `${num(n)} בניסיון חוזר`, show: "הצגה", failures: "כשלים", offline_folder: "מנותקת",
  down: "השירות מופעל מחדש. הדף ימשיך כשהוא יענה.", server_gone: "photosd web הסתיים. הפעילו אותו שוב במסוף.",
  session: "הדף אינו מחובר עוד. הפעילו שוב את photosd web.", copied: "הועתק", copied_n: (n) => `${num(n)} נתיבים הועתקו`,
  no_alerts: "אין התראות. חפשו, ואז בחרו „שמירה כהתראה”.", n_found: (n) => `${num(n)} נמצאו`, alert_saved: "ההתראה נשמרה", alert_exists: "ההתראה הזאת כבר קיימת",
  alert_for: "כל תמונה חדשה שמתאימה:", kind_stream: "תופיע כאן וב־photosd on", kind_notify: "תציג הודעה", kind_link: "תקושר בתיקיית אלבום",
  album: "תיקיית האלבום", save: "שמירה", cancel: "ביטול", add_folder: "הוספת תיקייה", add: "הוספה", remove_it: "הסרה",
  remove_folder: (path) => `להפסיק לעקוב אחרי ${path}? הקבצים יישארו; הרשומות שלהם באינדקס יימחקו.`, folder_added: "התיקייה נוספה",
  near_too: "גם תמונות שנראות דומות", look: "חיפוש כפילויות", keep: "לשמור", copy_list: "העתקת רשימת הקבצים המיותרים", n_groups: (n) => n === 1 ? "קבוצה אחת" : `${num(n)} קבוצות`,
  looking: "מחפש…", no_duplicates: "אין כפילויות", deletes_nothing: "הדף אינו מוחק דבר.", stopped_at: (n) => `מוצגות ${num(n)} הקבוצות הראשונות. כולן: photosd duplicates`,
  relation: { keep: "לשמור", copy: "זהה", burst: "רצף", alike: "נראית דומה" },
  facet: { year: "שנה", month: "חודש", place: "מקום", country: "מדינה", person: "אנשים", tag: "תגיות", camera: "מצלמה", folder: "תיקייה", type: "סוג" },
  not_understood: (words) => `לא הובן: ${words}`, still: (n) => `${num(n)} עוד לא אונדקסו`, examples: "נסו", read_from: "נקרא מהמילים שלכם",
  k: { slash: "חיפוש", arrows: "מעבר מתמונה לתמונה", enter: "פתיחה; בתיבה: חיפוש מיד", esc: "סגירה, ניקוי", s: "תמונות דומות", c: "העתקת הנתיב", x: "בחירה", i: "פרטים", z: "הגדלה", w: "התאמות חלשות", ask: "הרשימה הזאת" },
  selected_mark: "נבחרה", undated: "ללא תאריך",
};

export const language = document.documentElement.lang; // set by language.js
export const words = language === "he" ? he : en;
export const rtl = language === "he";
const numbers = new Intl.NumberFormat(language);
export const num = (value) => numbers.format(value);

/** Switch the language, and load the page again. */
export function switchLanguage() {
  try { localStorage.setItem("photosd-language", language === "he" ? "en" : "he"); } catch { /* not allowed */ }
  location.reload();
}

/** Fill in the texts of the page. */
export function translate(root = document) {
  for (const place of root.querySelectorAll("[data-text]")) place.textContent = words[place.dataset.text];
  for (const place of root.querySelectorAll("[data-label]")) place.setAttribute("aria-label", words[place.dataset.label]);
  for (const place of root.querySelectorAll("[data-placeholder]")) place.placeholder = words[place.dataset.placeholder];
  for (const place of root.querySelectorAll("[data-title]")) {
    place.title = words[place.dataset.title];
    place.setAttribute("aria-label", words[place.dataset.title]);
  }
  for (const place of root.querySelectorAll("[data-tip]")) {
    place.title = words[place.dataset.tip];
  }
}

const FORMS = {
  year: { year: "numeric" },
  month: { year: "numeric", month: "long" },
  day: { year: "numeric", month: "long", day: "numeric" },
  exact: { year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" },
};

/** The local time where the photo was taken, as precise as it is known; "" if unknown. */
export function when(hit, form = hit.taken_precision ?? "exact") {
  const moment = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(hit.taken ?? "");
  if (!moment) return "";
  const [, year, month, day, hour, minute] = moment.map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute));
  if (year < 100) date.setUTCFullYear(year);
  return new Intl.DateTimeFormat(language, { ...FORMS[form], timeZone: "UTC" }).format(date);
}

/** Seconds as one unit. */
export function span(seconds) {
  const [value, unit] = seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(value);
}

/** Bytes as one unit. */
export function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : bytes < 1e9 ? [bytes / 1e6, "megabyte"] : [bytes / 1e9, "gigabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/** The place as text. */
export function place(found) {
  if (!found) return "";
  const city = language === "he" && found.hebrew ? found.hebrew : found.city;
  return [city, found.region, found.country].filter((part, at, every) => part && every.indexOf(part) === at).join(", ");
}

export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);
/** Why it matched, in words. */
export const why = (hit) => hit.sources.filter((source) => source !== "filter").map((source) => words.src[source] ?? source).join(", ");
