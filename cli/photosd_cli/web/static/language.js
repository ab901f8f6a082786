// Language and direction of the page, set before it is painted: text that changes sides is a shift.
{
  const stored = () => { try { return localStorage.getItem("photosd-language"); } catch { return null; } };
  const wanted = stored() ?? (navigator.language.toLowerCase().startsWith("he") ? "he" : "en");
  document.documentElement.lang = wanted === "he" ? "he" : "en";
  document.documentElement.dir = wanted === "he" ? "rtl" : "ltr";
}
