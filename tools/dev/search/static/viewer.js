// One page, or two side by side, and why they match.
import {ask, picture} from "./api.js";
import {$, el, matches, numbered, own, paint, paper, score} from "./dom.js";
import {overlay, scale} from "./heat.js";
import {state, toHash, where} from "./state.js";

const view = {at: [], token: null}; // the results that are shown; the token whose map is drawn, null for all

const shown = () => view.at.map(i => state.results[i]);

// openViewer looks at a result, or at two.
export function openViewer(at) {
  toHash({...state.asked, page: state.results[at[0]].id}, true);
  showViewer(at, null);
}

export function showViewer(at, token) {
  Object.assign(view, {at, token: own(state.results[at[0]]).some(t => t.number === token) ? token : null});
  $("sheets").replaceChildren(...shown().map(sheet));
  $("sheets").classList.toggle("two", at.length === 2);
  if (!$("viewer").open) {
    $("viewer").showModal();
    $("viewer").focus(); // and not the first button, which may be disabled in a moment
  }
  describe();
  draw();
}

export function closeViewer() {
  if ($("viewer").open) $("viewer").close();
}

// leave goes back to the results, to the page that was looked at. It is done when it returns: the dialog tells that it
// has closed only later, when the focus may be elsewhere already.
function leave() {
  closeViewer();
  toHash(state.asked);
  document.querySelectorAll(".open")[view.at[0]]?.focus();
}

export function setHeat(on) {
  document.body.classList.toggle("cold", !on);
}

function sheet(result, i) {
  const made = paper(result, []);
  paint(made, picture({...where(), id: result.id, width: 2048}));
  made.title = "Click, or press Z, for the whole width";
  made.addEventListener("click", zoom);
  return el("figure", {}, made, el("figcaption", {}, el("span", {className: "rank"}, String(view.at[i] + 1)), result.title,
    el("span", {className: "score"}, score(result.score))));
}

// zoom shows pages as wide as there is room for, or whole.
function zoom() {
  $("sheets").classList.toggle("wide");
}

// describe fills the panel beside the pages.
function describe() {
  const pages = shown(), [first] = pages;
  $("viewed").textContent = pages.length === 1 ? first.title : "Two pages, one question";
  $("previous").disabled = view.at.at(-1) === 0 || view.at.length === 2 && view.at[1] - 1 === view.at[0];
  $("next").disabled = view.at.at(-1) === state.results.length - 1;
  $("compare").disabled = state.results.length < 2;
  $("compare").textContent = pages.length === 1 ? "Compare" : "Only the first";
  const prompt = numbered(first).filter(token => token.prompt);
  const sum = result => score(numbered(result).filter(token => token.prompt).reduce((sum, token) => sum + token.score, 0));
  $("why").replaceChildren(
    el("p", {className: "totals"}, ...pages.map(total)),
    el("h3", {}, "Where each word matched"),
    el("div", {className: "chips"}, el("span", {className: "word"}, whole()), ...words(own(first))),
    el("p", {className: "hint"}, pages.length === 1
      ? "The number of a word is what it adds to the score. Choose one, or go through them with ↑ and ↓."
      : "What a word adds to the scores of both pages. The patches of both are painted on one scale."),
    el("div", {id: "legend", role: "status"}),
    ...(prompt.length ? [el("details", {}, el("summary", {}, `The rest is the model's own ${prompt.length === 1 ? "token" : `${prompt.length} tokens`}: ${pages.map(sum).join(" and ")}`),
      el("p", {className: "hint"}, prompt.map(token => `${token.text.trim() || "␣"} ${score(token.score)}`).join(" · ")))] : []),
    ...pages.filter(page => page.why?.reason).map(page => el("p", {className: "reason"}, `${page.title} has no map: ${page.why.reason}`)),
    ...pages.map(facts));
}

const total = (result, i) => el("span", {}, el("b", {}, score(result.score)), shown().length === 1 ? " is its score" : i === 0 ? " left" : " right");

function facts(result) {
  return el("section", {}, el("h3", {}, shown().length === 1 ? "What is known of it" : result.title),
    el("dl", {}, ...result.properties.flatMap(({name, value}) => [el("dt", {}, name), el("dd", {}, value)]),
      el("dt", {}, "id"), el("dd", {}, el("code", {}, result.id))));
}

function whole() {
  const made = el("button", {className: "chip whole"}, "The whole question");
  made.addEventListener("click", () => choose(null));
  return made;
}

// words are the question's tokens, those that are parts of one word together.
function words(tokens) {
  const made = [];
  for (const token of tokens) {
    if (!made.length || /^\s/.test(token.text)) made.push(el("span", {className: "word"}));
    made.at(-1).append(chip(token));
  }
  return made;
}

function chip(token) {
  const scores = shown().map(result => result.why.tokens[token.number]?.score ?? 0);
  const all = shown().flatMap(own).map(t => t.score), low = Math.min(...all), high = Math.max(...all);
  const made = el("button", {className: "chip"},
    token.text.trim() || "␣", el("span", {className: "score"}, scores.map(score).join(" | ")));
  made.dataset.token = token.number;
  made.style.setProperty("--share", high > low ? .2 + .8 * (Math.max(...scores) - low) / (high - low) : 1);
  made.addEventListener("click", () => choose(token.number));
  return made;
}

function choose(token) {
  view.token = token;
  draw();
}

// draw lays the maps of the chosen token over the pages.
async function draw() {
  const {at, token} = view, pages = shown();
  toHash({...state.asked, page: pages[0].id, with: pages[1]?.id, token});
  for (const button of document.querySelectorAll(".chip")) {
    button.setAttribute("aria-pressed", String((button.dataset.token ?? null) === (token === null ? null : String(token))));
  }
  let maps;
  try {
    maps = await mapsOf(pages, token);
  } catch (failure) {
    $("legend").replaceChildren(el("p", {className: "reason", role: "alert"}, `${failure.title ?? failure}. ${failure.remedy ?? ""}`));
    return;
  }
  if (view.at !== at || view.token !== token) return; // something else is shown by now
  const there = maps.filter(Boolean);
  const range = there.length ? scale(there) : null;
  [...$("sheets").querySelectorAll(".paper")].forEach((sheet, i) => {
    sheet.querySelector("svg")?.remove();
    if (!maps[i]) return;
    const matched = matches(token === null ? own(pages[i]) : [pages[i].why.tokens[token]]);
    sheet.append(overlay(maps[i], matched, range));
  });
  legend(range, token === null ? "any word of the question" : `“${pages[0].why.tokens[token].text.trim()}”`, pages, token);
}

const drawn = new WeakMap(); // of each search the maps of single tokens, by page and token

async function mapsOf(pages, token) {
  if (token === null) return pages.map(page => page.why?.map);
  const {asked} = state, key = page => `${page.id} ${token}`;
  if (!drawn.has(asked)) drawn.set(asked, new Map());
  const known = drawn.get(asked);
  const missing = pages.filter(page => page.why?.map && !known.has(key(page)));
  if (missing.length) {
    const maps = await ask("map", {...where(), query: asked.query, token, ids: missing.map(page => page.id)});
    for (const page of missing) known.set(key(page), maps[page.id]);
  }
  return pages.map(page => known.get(key(page)));
}

function legend(range, what, pages, token) {
  if (!range) {
    $("legend").replaceChildren();
    return;
  }
  const off = token !== null && pages.some(page => page.why.tokens[token].column === null);
  $("legend").replaceChildren(
    el("span", {className: "ramp"}), el("span", {}, score(range.low)), el("span", {}, `similarity to ${what}`), el("span", {}, score(range.high)),
    ...(off ? [el("p", {className: "hint"}, "It matched one of the vectors that the model adds to a page, which lie nowhere on it.")] : []));
}

// move goes to the page before or after; of two pages the second moves.
function move(by) {
  const last = view.at.at(-1) + by;
  if (last < 0 || last >= state.results.length || view.at.length === 2 && last === view.at[0]) return;
  showViewer([...view.at.slice(0, -1), last], view.token);
}

function toggleCompare() {
  if (view.at.length === 2) return showViewer([view.at[0]], view.token);
  if (state.results.length < 2) return;
  const [i] = view.at;
  showViewer(i + 1 < state.results.length ? [i, i + 1] : [i - 1, i], view.token);
}

function moveToken(by) {
  const tokens = [null, ...own(shown()[0]).map(token => token.number)];
  const at = tokens.indexOf(view.token) + by;
  if (at < 0 || at >= tokens.length) return;
  choose(tokens[at]);
  document.querySelectorAll(".chip")[at].focus();
}

$("previous").addEventListener("click", () => move(-1));
$("next").addEventListener("click", () => move(1));
$("compare").addEventListener("click", toggleCompare);
$("close").addEventListener("click", leave);
$("viewer").addEventListener("cancel", event => {
  event.preventDefault();
  leave();
});
addEventListener("keydown", event => {
  if (!$("viewer").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), ArrowUp: () => moveToken(-1), ArrowDown: () => moveToken(1),
    c: toggleCompare, z: zoom, Escape: leave, h: () => $("heat").click(),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
