// Two pictures on top of each other, with a divider that a slider moves.
const SENT = -1; // what was sent, in the place of a system

function showPictures(root, data) {
  const shown = data.pictures;
  if (!shown) return;
  const part = root.querySelector(".pictures"), of = (name) => part.querySelector(name);
  const first = shown.received.findIndex((points) => points.some((p) => p));
  const middle = Math.floor((data.points.length - 1) / 2);
  const state = { point: middle, picture: 0, left: shown.original || shown.sent ? SENT : first, right: first, cut: 50 };
  const systems = data.systems.map((s, i) => [i, s.title]).filter(([i]) => shown.received[i].some((p) => p));
  const sides = shown.original || shown.sent ? [[SENT, "original"], ...systems] : systems;
  fillSelect(of(".point"), [{ entries: data.points.map((p, k) => [k, p.heading]) }], state.point);
  for (const side of ["left", "right"]) fillSelect(of(`.${side}`), [{ entries: sides }], state[side]);
  for (const name of ["point", "left", "right"])
    of(`.${name}`).addEventListener("change", (event) => { state[name] = Number(event.target.value); show(); });
  const choices = [...Array(shown.count).keys()].map((k) => {
    const content = shown.original ? made("img", { src: shown.uris[shown.original[k]], alt: "" }) : String(k + 1);
    const button = made("button", { type: "button", "aria-label": `picture ${k + 1}` }, content);
    button.addEventListener("click", () => { state.picture = k; show(); });
    return button;
  });
  of(".choices").append(...choices);
  const slider = of(".slider"), overlay = of(".overlay");
  const move = (cut) => {
    state.cut = Math.min(100, Math.max(0, cut));
    slider.value = state.cut;
    of(".over").style.clipPath = `inset(0 0 0 ${state.cut}%)`;
    of(".divider").style.left = `${state.cut}%`;
  };
  slider.addEventListener("input", () => move(Number(slider.value)));
  const drag = (event) => {
    if (!(event.buttons & 1)) return;
    const box = overlay.getBoundingClientRect();
    move((100 * (event.clientX - box.left)) / box.width);
  };
  overlay.addEventListener("pointerdown", (event) => { overlay.setPointerCapture(event.pointerId); event.preventDefault(); drag(event); });
  overlay.addEventListener("pointermove", drag);

  const seen = (side) => {
    const k = state.picture;
    if (side === SENT)
      return { title: "original", image: shown.original && shown.original[k], text: shown.sent && shown.sent[k][0] };
    const point = shown.received[side][state.point], title = data.systems[side].title;
    if (!point || k >= point.count) return { title, missing: true };
    const value = point.values[k] && `${shown.value} ${point.values[k]}`;
    return { title, image: point.images && point.images[k], text: point.texts && point.texts[k], value, lost: point.outage[k] };
  };

  function show() {
    const both = { left: seen(state.left), right: seen(state.right) };
    for (const [side, image] of [["left", of(".under")], ["right", of(".over")]]) {
      const { title, image: number, value, lost, missing } = both[side];
      image.hidden = number === undefined || number === null;
      if (image.hidden) image.removeAttribute("src");
      else image.src = shown.uris[number];
      image.alt = title;
      const told = [made("strong", {}, title), made("br"), missing ? "not shown at this point" : value || ""];
      if (lost) told.push(made("br"), made("span", { class: "lost" }, "outage"));
      of(`.side-${side}`).replaceChildren(...told);
    }
    overlay.classList.toggle("alone", of(".under").hidden);
    of(".beside").hidden = of(".under").hidden && of(".over").hidden;
    choices.forEach((button, k) => button.setAttribute("aria-pressed", k === state.picture));
    showWhole();
    showTexts();
    move(state.cut);
  }

  function showWhole() {
    of(".whole").hidden = !shown.overview;
    if (!shown.overview) return;
    const crop = shown.crops[state.picture], image = of(".whole img"), frame = of(".frame");
    image.src = shown.uris[shown.overview[state.picture]];
    of(".whole p").textContent = `whole picture; shown: ${crop.place}`;
    const place = () => {
      const [width, height] = [image.clientWidth, image.clientHeight];
      frame.style.left = `${crop.left * width}px`;
      frame.style.top = `${crop.top * height}px`;
      frame.style.width = `${crop.width * width}px`;
      frame.style.height = `${crop.height * height}px`;
    };
    image.onload = place;
    place();
  }

  function showTexts() {
    const told = [SENT, ...systems.map(([i]) => i)].map(seen).filter((s) => s.text !== undefined && s.text !== null);
    const entries = told.flatMap((s) => [
      made("dt", {}, s.title),
      made("dd", s.lost ? { class: "lost" } : {}, (s.text || "(nothing)") + (s.lost ? " (outage)" : "")),
    ]);
    of(".texts").replaceChildren(...(entries.length ? [made("dl", {}, ...entries)] : []));
  }

  part.hidden = false;
  show();
}
