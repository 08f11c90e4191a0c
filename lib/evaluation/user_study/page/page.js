// The session of one rater: screens, keys, clock; what is kept and saved is in record.js. Nothing is sent: everything
// stays in this browser until the rater saves it.
// `data` (tokens, assignments, words) and `pictures` (token -> data URI) are written into the page when it is built.

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const pictures = JSON.parse($("images").textContent);

  let rater = null;     // code, once known
  let trials = [];      // [face token, picture tokens by position] of this rater
  let state = null;     // what is kept: see freshState() in record.js
  let since = null;     // performance.now() when the trial on screen became visible, null while hidden
  let selected = null;  // position ticked on screen, not yet confirmed
  let handedOver = false;  // whether these answers were saved or copied since they were complete

  // ---- What is kept -------------------------------------------------------------------------------------------

  const store = browserStore(data.study);
  const keep = () => store.set(store.key(rater), JSON.stringify(state));

  // ---- Screens ------------------------------------------------------------------------------------------------

  let statusTimer = null;
  function say(text) {
    $("status").textContent = text;
    clearTimeout(statusTimer);
    if (text) statusTimer = setTimeout(() => { $("status").textContent = ""; }, 5000);
  }

  function show(screen, focus) {
    for (const name of ["welcome", "trial", "thanks"]) $(name).hidden = name !== screen;
    window.scrollTo(0, 0);
    focus.focus({ preventScroll: true });
  }

  function showWelcome(code = "") {
    rater = state = since = null;
    $("code").value = code;
    $("code-field").hidden = Boolean(code);
    $("consent").checked = false;
    $("start-problem").textContent = "";
    show("welcome", $("title"));
  }

  function showTrial() {
    const [face, shown] = trials[state.at];
    const [given, reference] = data.faces[face];
    selected = state.answers[state.at].chosen;
    $("given").src = pictures[given];
    $("reference").src = pictures[reference];
    document.querySelectorAll(".card").forEach((card, i) => {
      card.querySelector("img").src = pictures[shown[i]];
      card.querySelector("input").checked = i + 1 === selected;
    });
    $("place").textContent = `${state.at + 1} of ${trials.length}`;
    $("progress").max = trials.length;
    $("progress").value = state.at;
    $("back").disabled = state.at === 0;
    $("next").disabled = selected === null;
    $("next").textContent = state.at + 1 === trials.length ? "Finish" : "Next";
    show("trial", $("place"));
    since = document.hidden ? null : performance.now();
  }

  function showThanks() {
    since = null;
    handedOver = false;
    $("answers").value = answers();
    $("copy-box").open = false;
    show("thanks", $("thanks-title"));
  }

  const showCurrent = () => (state.at < trials.length ? showTrial() : showThanks());

  // ---- A trial ------------------------------------------------------------------------------------------------

  // Only time during which the page was visible counts; it goes on adding up after a reload or a step back.
  function stopClock() {
    if (state === null || since === null) return;
    state.answers[state.at].ms += Math.max(0, Math.round(performance.now() - since));
    since = performance.now();
  }

  function select(position) {
    selected = position;
    document.querySelectorAll(".card input").forEach((input, i) => { input.checked = i + 1 === position; });
    $("next").disabled = position === null;
  }

  // Also moves the focus to the ticked picture, so that Enter confirms it wherever the focus was.
  function pickByHand(position) {
    select(position);
    document.querySelectorAll(".card input")[position - 1].focus({ preventScroll: true });
  }

  function confirmChoice() {
    if (selected === null) return;
    stopClock();
    const answer = state.answers[state.at];
    if (answer.chosen !== null && answer.chosen !== selected) answer.changes += 1;
    answer.chosen = selected;
    state.at += 1;
    state.finished = state.at === trials.length ? Date.now() : null;
    keep();
    showCurrent();
  }

  function stepBack() {
    if (state.at === 0) return;
    if (state.at < trials.length) stopClock();
    state.at -= 1;
    state.finished = null;
    keep();
    showTrial();
  }

  // ---- The viewer: pictures at full size, flipped in the same place -----------------------------------------------

  let viewed = 1;

  function openViewer(position, pane = "candidate") {
    state.answers[state.at].compared += 1;
    const [given, reference] = data.faces[trials[state.at][0]];
    $("pane-given").src = pictures[given];
    $("pane-reference").src = pictures[reference];
    view(position, pane);
    if (!$("viewer").open) $("viewer").showModal();
  }

  function view(position, pane = "candidate") {
    viewed = position;
    const name = `${data.words.candidate} ${position}`;
    $("pane-candidate").src = pictures[trials[state.at][1][position - 1]];
    $("pane-candidate").alt = name;
    $("pane-caption").textContent = name;
    $("viewer").dataset.shown = pane;
    for (const tab of document.querySelectorAll("#tabs [data-pane]")) {
      const on = tab.dataset.pane === pane && (pane !== "candidate" || Number(tab.dataset.position) === position);
      tab.setAttribute("aria-pressed", String(on));
    }
    $("pick").textContent = `Choose ${position}`;
  }

  // ---- Saving -------------------------------------------------------------------------------------------------

  const answers = () => answersText(data, rater, trials, state);

  function save() {
    try {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([answers()], { type: "application/json" }));
      link.download = `answers_${data.study}_${rater}.json`;
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      handedOver = true;
      say(`Saved as ${link.download} with your downloads.`);
    } catch {
      $("copy-box").open = true;
      say("This browser does not let the page save a file. Please copy the text below.");
      $("answers").focus();
    }
  }

  function anotherPerson() {
    if (!handedOver && !window.confirm("These answers are not saved yet. Go on without saving them?")) return;
    store.remove(store.key("last"));
    location.hash = "";
    showWelcome();
  }

  async function copy() {
    handedOver = true;
    $("answers").select();
    try {
      await navigator.clipboard.writeText($("answers").value);
      say("Copied.");
    } catch {
      say(document.execCommand("copy") ? "Copied." : "Selected. Copy it with your keyboard or your phone’s menu.");
    }
  }

  function deleteAnswers() {
    if (!window.confirm("Delete all your answers to this study from this browser?")) return;
    store.remove(store.key(rater));
    store.remove(store.key("last"));
    location.hash = "";
    showWelcome();
    say("Your answers are deleted.");
  }

  // ---- Beginning and coming back ----------------------------------------------------------------------------------

  function enter(code) {
    rater = code;
    trials = data.raters[code];
    state = readState(store.get(store.key(code)), trials.length, data.positions);
    return state !== null;
  }

  const known = (text) => {
    const code = text.trim().toUpperCase();
    return Object.hasOwn(data.raters, code) ? code : null;
  };

  function begin(event) {
    event.preventDefault();
    const code = known($("code").value);
    if (!code) {
      $("start-problem").textContent = "This code is not one of this study. Please check it against your invitation.";
      $("code-field").hidden = false;
      return $("code").focus();
    }
    if (!$("consent").checked) {
      $("start-problem").textContent = "Please tick the box if you agree to take part.";
      return $("consent").focus();
    }
    if (!enter(code)) { state = freshState(trials.length); keep(); }
    store.set(store.key("last"), code);
    if (location.hash.slice(1).toUpperCase() !== code) history.replaceState(null, "", `#${code}`);
    showCurrent();
    if (!store.works) say("This browser does not keep your place: please finish without closing the page.");
  }

  function arrive() {
    if ($("viewer").open) $("viewer").close();
    const linked = known(location.hash.slice(1));
    const code = linked || known(store.get(store.key("last")) || "");
    if (!code || !enter(code)) return showWelcome(linked || "");
    showCurrent();
    if (state.at < trials.length) say(`Welcome back: you go on at ${state.at + 1} of ${trials.length}.`);
  }

  // ---- Wiring -------------------------------------------------------------------------------------------------

  function build() {
    document.documentElement.style.setProperty("--ratio", data.ratio);
    const columns = data.positions === 3 || data.positions > 4 ? 3 : 2;
    document.documentElement.style.setProperty("--columns", columns);
    document.documentElement.style.setProperty("--rows", Math.ceil(data.positions / columns));
    document.querySelectorAll("[data-word]").forEach((node) => {
      const word = data.words[node.dataset.word];
      node.textContent = node.closest("li") ? word.toLowerCase() : word;
    });
    const count = Math.max(...Object.values(data.raters).map((own) => own.length));
    const minutes = Math.max(2, Math.ceil(count * 20 / 60));
    $("summary").textContent = `${count} faces, about ${minutes} minutes. For each one question: ${data.question}`;
    for (const id of ["contact", "thanks-contact"]) {
      $(id).textContent = data.contact ? `Questions and answers go to: ${data.contact}` : "";
    }
    $("question").textContent = data.question;
    $("last-key").textContent = data.positions;
    for (const [id, word] of [["given", "given"], ["reference", "reference"]]) {
      $(id).alt = $(`pane-${id}`).alt = `${data.words[word]} of the person`;
      $(id).addEventListener("dblclick", () => openViewer(selected || 1, id));
    }
    for (let position = 1; position <= data.positions; position++) $("cards").append(card(position));
    tabs();
  }

  function card(position) {
    const name = `${data.words.candidate} ${position}`;
    const input = element("input", { type: "radio", name: "choice", value: position, "aria-label": name });
    const picture = element("img", { alt: name, draggable: "false" });
    const badge = element("span", { class: "badge", "aria-hidden": "true" }, String(position));
    const label = element("label", {}, input, picture, badge);
    const sign = element("span", { "aria-hidden": "true" }, "⤢");
    const purpose = `Compare ${name.toLowerCase()} at full size`;
    const enlarge = element("button", { type: "button", class: "enlarge", "aria-label": purpose }, sign);
    input.addEventListener("change", () => select(position));
    label.addEventListener("dblclick", () => { select(doubleClicked.before); openViewer(position); });
    label.addEventListener("pointerdown", doubleClicked.note);
    enlarge.addEventListener("click", () => openViewer(position));
    return element("div", { class: "card" }, label, enlarge);
  }

  // A double click compares and votes for nothing: this remembers the tick before the first of two quick presses.
  const doubleClicked = {
    before: null, time: -Infinity,
    note: (event) => {
      if (event.timeStamp - doubleClicked.time > 600) doubleClicked.before = selected;
      doubleClicked.time = event.timeStamp;
    },
  };

  function tabs() {
    for (const pane of ["given", "reference"]) {
      const tab = element("button", { type: "button", "data-pane": pane, "data-only": "narrow" }, data.words[pane]);
      tab.addEventListener("click", () => view(viewed, pane));
      $("tabs").append(tab);
    }
    for (let position = 1; position <= data.positions; position++) {
      const tab = element("button", { type: "button", "data-pane": "candidate", "data-position": position,
                                      "aria-label": `${data.words.candidate} ${position}` }, String(position));
      tab.addEventListener("click", () => view(position));
      $("tabs").append(tab);
    }
    const pick = element("button", { type: "button", id: "pick", class: "primary pick" });
    pick.addEventListener("click", () => { $("viewer").close(); pickByHand(viewed); });
    $("tabs").append(pick);
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || $("trial").hidden) return;
    const digit = /^[1-9]$/.test(event.key) && Number(event.key) <= data.positions ? Number(event.key) : null;
    if ($("viewer").open) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (digit) view(digit);
      else if (step) view((viewed - 1 + step + data.positions) % data.positions + 1);
      else if (event.key.toLowerCase() === "c") $("viewer").close();
    } else if (digit) {
      pickByHand(digit);
    } else if (event.key === "Enter" && [$("place"), document.body].includes(event.target)) {
      confirmChoice();
    } else if (event.key === "Backspace") {
      event.preventDefault();
      stepBack();
    } else if (event.key.toLowerCase() === "c") {
      openViewer(selected || 1);
    }
  }

  build();
  $("start-form").addEventListener("submit", begin);
  $("trial-form").addEventListener("submit", (event) => { event.preventDefault(); confirmChoice(); });
  $("back").addEventListener("click", stepBack);
  $("compare").addEventListener("click", () => openViewer(selected || 1));
  $("close").addEventListener("click", () => $("viewer").close());
  $("save").addEventListener("click", save);
  $("copy").addEventListener("click", copy);
  $("change").addEventListener("click", stepBack);
  $("another").addEventListener("click", anotherPerson);
  document.querySelectorAll("[data-delete]").forEach((button) => button.addEventListener("click", deleteAnswers));
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => {
    if (state === null || state.at >= trials.length) return;
    if (document.hidden) { stopClock(); since = null; keep(); } else { since = performance.now(); }
  });
  window.addEventListener("pagehide", () => { if (since !== null) { stopClock(); keep(); } });
  window.addEventListener("hashchange", () => { if (known(location.hash.slice(1)) !== rater) arrive(); });
  window.addEventListener("storage", (event) => { if (rater && event.key === store.key(rater)) arrive(); });
  arrive();
})();
