
"use strict";
(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const sheet = find("#sheet"), light = find("#light"), keys = find("#keys");
  const filter = find("#filter"), weakButton = find("#weak"), live = find("#live");
  const photos = [...sheet.querySelectorAll(".photo")];
  const shown = () => photos.filter((photo) => !photo.hidden);
  const frameOf = (photo) => find(".frame", photo);
  let current = null; // the photo in the light

  // -- rows of equal height ---------------------------------------------------------------------

  const NARROWEST = 0.5, WIDEST = 3.4; // beyond these shapes a photo is cropped in the sheet

  function shape(photo) {
    const ratio = Number(photo.dataset.width) / Number(photo.dataset.height);
    return Math.min(WIDEST, Math.max(NARROWEST, ratio || 1.5));
  }

  function layOut() {
    const style = getComputedStyle(sheet);
    const gap = parseFloat(style.columnGap);
    const room = sheet.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const wanted = Math.min(270, Math.max(140, room / 5));
    let row = [], sum = 0;
    const close = (height) => {
      for (const photo of row) {
        const width = Math.floor(shape(photo) * height * 100) / 100;
        photo.style.width = `${width}px`;
        frameOf(photo).style.height = `${height}px`;
        photo.classList.toggle("narrow", width < 190);
      }
      row = [];
      sum = 0;
    };
    for (const photo of shown()) {
      // Close before this one, if that leaves the row nearer to the height that is wanted.
      const before = row.length ? (room - gap * (row.length - 1)) / sum : Infinity;
      const after = (room - gap * row.length) / (sum + shape(photo));
      if (row.length && after < wanted && before - wanted < wanted - after) close(before);
      row.push(photo);
      sum += shape(photo);
      const height = (room - gap * (row.length - 1)) / sum;
      if (height <= wanted) close(height);
    }
    if (row.length) close(Math.min(wanted * 1.12, (room - gap * (row.length - 1)) / sum));
    sheet.classList.add("laid");
  }

  // -- what is shown ----------------------------------------------------------------------------

  function choose() {
    const weak = document.body.classList.contains("with-weak");
    const words = filter.value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    for (const photo of photos) {
      const text = find(".about-text", photo).textContent.toLocaleLowerCase();
      const fits = words.every((word) => text.includes(word));
      photo.hidden = !fits || (!weak && photo.classList.contains("weak"));
    }
    const left = shown().length;
    const none = find("#none");
    none.hidden = left > 0 || !photos.length;
    none.textContent = words.length
      ? "No photo shown here has that in its name, folder or date."
      : "Only weak matches, and those are hidden. Press w to see them.";
    live.textContent = `${left} ${left === 1 ? "photo" : "photos"}`;
    layOut();
  }

  function toggleWeak() {
    if (!weakButton) return;
    const on = document.body.classList.toggle("with-weak");
    weakButton.setAttribute("aria-pressed", String(on));
    weakButton.textContent = on ? weakButton.dataset.hide : weakButton.dataset.show;
    choose();
  }

  // -- one photo large --------------------------------------------------------------------------

  function show(photo) {
    current = photo;
    const frame = frameOf(photo), small = find("img", frame);
    const large = find(".large", light), glow = find(".glow", light), absent = find(".absent", light);
    large.hidden = glow.hidden = !small;
    absent.hidden = Boolean(small);
    if (small) {
      large.alt = small.alt;
      large.src = glow.src = small.src;
      if (!find(".away", frame)) loadOriginal(photo, large);
    } else {
      absent.textContent = find(".missing", frame).lastChild.textContent;
    }
    const about = find(".about", light);
    about.replaceChildren(...[...find(".about-text", photo).children].map((part) => part.cloneNode(true)));
    find(".original", light).href = frame.href;
    const all = shown(), place = all.indexOf(photo);
    find(".place", light).textContent = `${place + 1} of ${all.length}`;
    find(".back", light).hidden = place <= 0;
    find(".on", light).hidden = place >= all.length - 1;
    if (!light.open) light.showModal();
    fit();
    find(".original", light).focus({ preventScroll: true, focusVisible: false });
  }

  function loadOriginal(photo, large) {
    const original = new Image();
    original.src = frameOf(photo).href;
    original.decode().then(
      () => { if (current === photo) large.src = original.src; },
      () => {}, // gone, or of a kind that browsers do not show: the small one stays
    );
  }

  /** As large as there is room, so that nothing jumps when the original comes. */
  function fit() {
    if (!current) return;
    const stage = find(".stage", light), style = getComputedStyle(stage), large = find(".large", light);
    const width = Number(current.dataset.width), height = Number(current.dataset.height);
    const wide = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const high = stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    // A thumbnail below its size is all there is of that photo.
    const most = Math.max(width, height) < Number(document.body.dataset.longest) ? 1.5 : 8;
    const scale = Math.min(wide / width, high / height, most);
    large.style.width = `${width * scale}px`;
    large.style.height = `${height * scale}px`;
  }

  function step(by) {
    const all = shown(), next = all[all.indexOf(current) + by];
    if (next) show(next);
  }

  light.addEventListener("close", () => {
    if (current) {
      frameOf(current).focus();
      current.scrollIntoView({ block: "nearest" });
    }
    current = null;
  });
  light.addEventListener("click", (event) => {
    if (event.target.closest(".back")) step(-1);
    else if (event.target.closest(".on")) step(1);
    else if (event.target.closest(".close")) light.close();
    else if (event.target.matches(".stage")) light.close();
  });
  let touchX = null;
  light.addEventListener("touchstart", (event) => { touchX = event.touches[0].clientX; }, { passive: true });
  light.addEventListener("touchend", (event) => {
    const by = touchX === null ? 0 : event.changedTouches[0].clientX - touchX;
    if (Math.abs(by) > 50) step(by < 0 ? 1 : -1);
    touchX = null;
  }, { passive: true });

  // -- moving about -----------------------------------------------------------------------------

  function focus(photo) {
    if (!photo) return;
    frameOf(photo).focus();
    photo.scrollIntoView({ block: "nearest" });
  }

  function move(key) {
    const all = shown(), here = all.find((photo) => photo.contains(document.activeElement));
    if (!here) return focus(all[0]);
    if (key === "ArrowLeft") return focus(all[all.indexOf(here) - 1]);
    if (key === "ArrowRight") return focus(all[all.indexOf(here) + 1]);
    // Up and down: of the next row, the photo whose middle is nearest.
    const box = here.getBoundingClientRect(), middle = box.left + box.width / 2;
    const away = (photo) => (photo.getBoundingClientRect().top - box.top) * (key === "ArrowUp" ? -1 : 1);
    const beyond = all.filter((photo) => away(photo) > 1);
    const nearest = Math.min(...beyond.map(away));
    const aside = (photo) => {
      const other = photo.getBoundingClientRect();
      return Math.abs(other.left + other.width / 2 - middle);
    };
    const row = beyond.filter((photo) => away(photo) < nearest + 2);
    focus(row.sort((a, b) => aside(a) - aside(b))[0]);
  }

  sheet.addEventListener("click", (event) => {
    const frame = event.target.closest(".frame");
    if (!frame || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(frame.closest(".photo"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || keys.open) return;
    const key = event.key;
    if (light.open) {
      if (key === "ArrowLeft") step(-1);
      else if (key === "ArrowRight") step(1);
      else if (key === "Home") show(shown()[0]);
      else if (key === "End") show(shown().at(-1));
      else return;
      event.preventDefault();
      return;
    }
    if (document.activeElement === filter) {
      if (key === "Escape") { filter.value = ""; choose(); filter.blur(); }
      else if (key === "ArrowDown" || key === "Enter") { event.preventDefault(); focus(shown()[0]); }
      return;
    }
    if (key.startsWith("Arrow")) move(key);
    else if (key === "Home") focus(shown()[0]);
    else if (key === "End") focus(shown().at(-1));
    else if (key === "/") filter.focus();
    else if (key === "?") keys.showModal();
    else if (key === "w") toggleWeak();
    else return;
    event.preventDefault();
  });

  filter.addEventListener("input", choose);
  if (weakButton) weakButton.addEventListener("click", toggleWeak);
  find("#ask").addEventListener("click", () => keys.showModal());
  new ResizeObserver(() => { layOut(); fit(); }).observe(document.documentElement);
  choose();
})();
