import {ask, picture, forgetPictures, Failure} from "./api.js";
import {openViewer, showViewer, closeViewer, setHeat} from "./viewer.js";
import {$, el, paper, paint, score} from "./dom.js";
import {state, fromHash, toHash, where} from "./state.js";

const fields = ["query", "collection", "vector", "tenant", "limit", "precision"];

// start learns what there is to search, and does what the address says.
async function start() {
  $("start").hidden = true;
  notice(null);
  status("Asking Weaviate what there is to search…");
  try {
    state.about = await ask("collections", {});
  } catch (failure) {
    return notice(failure, start);
  }
  const {server, version, model, demo, preferred, collections} = state.about;
  $("about").replaceChildren(
    el("span", {}, `${demo ? "embedded demo model" : model}`), " · ", el("span", {}, `Weaviate ${version} at ${server.replace(/^https?:\/\//, "")}`));
  $("about").title = demo ? `${model}: a small reader of printed English, without semantics` : model;
  $("collection").replaceChildren(...collections.map(c => el("option", {}, c.name)));
  if (collections.some(c => c.name === preferred)) $("collection").value = preferred;
  status("");
  await follow();
}

// follow does what the address says: the search, and the page that is looked at.
async function follow() {
  const wanted = fromHash();
  const names = state.about.collections.map(c => c.name);
  if (names.includes(wanted.collection)) $("collection").value = wanted.collection;
  await choose();
  if (wanted.collection && !names.includes(wanted.collection)) {
    return notice(new Failure({
      title: "There is no such collection", detail: `The address names ${wanted.collection}. There are ${names.join(", ")}.`,
      remedy: "Ask again: the question then goes to the collection that is chosen above.",
    }));
  }
  for (const name of fields.filter(name => name !== "collection")) {
    if (wanted[name]) $(name).value = wanted[name];
  }
  if (!wanted.query) {
    closeViewer();
    $("query").value = "";
    $("results").replaceChildren();
    $("cut").hidden = $("trace").hidden = true;
    $("start").hidden = false;
    status("");
    $("query").focus();
    return;
  }
  const again = JSON.stringify(question()) === JSON.stringify(state.asked);
  if (again || await search()) {
    const at = [wanted.page, wanted.with].map(id => state.results.findIndex(r => r.id === id)).filter(i => i >= 0);
    if (at.length) showViewer(at, wanted.token === undefined ? null : Number(wanted.token));
    else closeViewer();
  }
}

// choose shows the choices that the chosen collection leaves.
async function choose() {
  const chosen = state.about.collections.find(c => c.name === $("collection").value);
  $("collection").parentElement.hidden = state.about.collections.length < 2;
  $("vector").replaceChildren(...chosen.vectors.map(v => el("option", {}, v.name)));
  $("vector").parentElement.hidden = chosen.vectors.length < 2;
  $("tenant").parentElement.hidden = !chosen.tenants;
  $("tenant").required = chosen.tenants;
  $("tenant").value = "";
  if (!chosen.tenants) return;
  try {
    const tenants = await ask("tenants", {collection: chosen.name, vector: chosen.vectors[0].name});
    $("tenants").replaceChildren(...tenants.map(name => el("option", {value: name})));
    $("tenant").value = tenants[0] ?? "";
  } catch (failure) {
    notice(failure, choose);
  }
}

function question() {
  return {
    query: $("query").value.trim(), collection: $("collection").value, vector: $("vector").value, tenant: $("tenant").value,
    limit: Number($("limit").value), precision: $("precision").value,
  };
}

let running; // of the search that is under way

// search asks, and tells whether there is an answer to show.
async function search() {
  running?.abort();
  running = new AbortController();
  const {signal} = running, asked = question(), began = performance.now();
  closeViewer();
  notice(null);
  $("start").hidden = $("cut").hidden = $("trace").hidden = true;
  status(`Looking for “${asked.query}”…`);
  $("results").setAttribute("aria-busy", "true");
  $("results").replaceChildren(...Array.from({length: Math.min(asked.limit, 12)}, () => el("li", {className: "ghost"})));
  forgetPictures();
  state.asked = null;
  try {
    state.results = (await ask("search", asked, signal)).results;
    state.asked = asked;
  } catch (failure) {
    if (signal.aborted) return false;
    $("results").replaceChildren();
    notice(failure, search);
    return false;
  } finally {
    if (!signal.aborted) $("results").removeAttribute("aria-busy");
  }
  document.title = `${asked.query} · Search pages`;
  showResults(performance.now() - began);
  return true;
}

function showResults(milliseconds) {
  const count = state.results.length;
  status(count === 0 ? "" : `${count} ${count === 1 ? "page" : "pages"} for “${state.asked.query}” in ${Math.round(milliseconds)} ms`);
  state.marked = null;
  $("results").replaceChildren(...state.results.map(card));
  showCut(state.results[0]?.why?.cut);
  showTrace(state.results[0]?.why?.searched);
  if (count === 0) {
    notice(new Failure({
      title: "No page was found", detail: `${state.asked.collection} has no pages to search${state.asked.tenant ? ` in the tenant ${state.asked.tenant}` : ""}.`,
      remedy: "Import some: the README shows how.",
    }));
  }
}

const lazily = new IntersectionObserver(entries => {
  for (const entry of entries.filter(entry => entry.isIntersecting)) {
    lazily.unobserve(entry.target);
    paint(entry.target, picture({...where(), id: entry.target.dataset.id, width: 480}));
  }
}, {rootMargin: "50%"});

// card is a page among the results.
function card(result, i) {
  const sheet = paper(result, result.why?.map ? [result.why.map] : []);
  lazily.observe(sheet);
  const best = state.results[0].score;
  const bar = el("span", {className: "bar"});
  bar.style.setProperty("--share", Math.max(0, result.score / best));
  const open = el("button", {className: "open", title: result.title},
    sheet,
    el("span", {className: "caption"},
      el("span", {className: "rank"}, String(i + 1)), el("span", {className: "title"}, result.title),
      el("span", {className: "score"}, score(result.score)), bar));
  open.setAttribute("aria-label", `${i + 1}. ${result.title}, score ${score(result.score)}`);
  open.addEventListener("click", () => openViewer([i]));
  const mark = el("button", {className: "mark", title: "Compare this page with another (C)"}, "Compare");
  mark.setAttribute("aria-pressed", "false");
  mark.setAttribute("aria-label", `Compare ${result.title}`);
  mark.addEventListener("click", () => toggleMark(i));
  return el("li", {}, open, mark);
}

// toggleMark marks a page to be compared with the next that is marked.
function toggleMark(i) {
  const marks = [...document.querySelectorAll(".mark")];
  const other = state.marked;
  state.marked = other === null ? i : null;
  marks.forEach((mark, at) => mark.setAttribute("aria-pressed", String(at === state.marked)));
  if (state.marked !== null) status(`“${state.results[i].title}” is marked: choose another page to compare it with`);
  else if (other !== i) openViewer([Math.min(i, other), Math.max(i, other)]);
  else status("");
}

// showCut says that a question is longer than the model reads.
function showCut(tokens) {
  $("cut").hidden = !tokens;
  $("cut").textContent = tokens
    ? `The model does not read questions as long as this one: its last ${tokens === 1 ? "token was" : `${tokens} tokens were`} left out. Ask something shorter.`
    : "";
}

// showTrace says in words what the search did.
function showTrace(searched) {
  $("trace").hidden = state.results.length === 0;
  const [summary, body] = $("trace").children;
  if (!searched) {
    summary.textContent = "How these pages were found is not known";
    body.replaceChildren(el("p", {}, "The collection has another index than multivector.plaid, which alone tells."));
    return;
  }
  summary.textContent = searched.certified ? "Certified: no better page was left out" : "Not certified: a better page may have been left out";
  $("trace").classList.toggle("certified", searched.certified);
  const steps = [
    [searched.candidates, "could be answers: all pages that are searched"],
    [searched.scanned, `were estimated by their nearest of ${searched.centroids} centroids`],
    [searched.reranked, "were scored by 8-bit codes"],
    [searched.scored, "were scored with their stored vectors, exactly"],
  ].filter(([count], i) => i === 0 || count > 0);
  body.replaceChildren(
    el("ul", {}, ...steps.map(([count, what]) => {
      const bar = el("span", {className: "bar"});
      bar.style.setProperty("--share", count / Math.max(1, searched.candidates));
      return el("li", {}, el("b", {}, count.toLocaleString("en")), ` ${what}`, bar);
    })),
    el("p", {}, searched.certified
      ? "The pages that were not scored exactly provably score less than the last one shown: the answer is that of comparing the question with every page."
      : "Pages were left out by estimate. The precision “exact” leaves out none, and takes as long as all pages do."));
}

function status(text) {
  $("status").textContent = text;
}

// notice shows what went wrong and what can be done; null takes it away.
function notice(failure, again) {
  $("notice").hidden = !failure;
  if (!failure) return;
  status("");
  const {title = "Something went wrong in the page", detail = String(failure), remedy = ""} = failure;
  const retry = el("button", {}, "Try again");
  retry.addEventListener("click", again);
  $("notice").replaceChildren(
    el("h2", {}, title), el("p", {className: "remedy"}, remedy), el("p", {className: "detail"}, detail), ...(again ? [retry] : []));
}

$("form").addEventListener("submit", async event => {
  event.preventDefault();
  if (!state.about || !question().query) return;
  toHash(question(), true);
  await search();
});
$("collection").addEventListener("change", choose);
$("heat").addEventListener("change", () => setHeat($("heat").checked));
addEventListener("popstate", () => state.about && follow());
addEventListener("unhandledrejection", event => notice(event.reason));

// The arrows go through the results as they lie.
addEventListener("keydown", event => {
  if ($("viewer").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const cards = [...document.querySelectorAll(".open")];
  const at = cards.findIndex(card => card.parentElement.contains(document.activeElement));
  const typing = ["INPUT", "SELECT"].includes(document.activeElement.tagName);
  const down = document.activeElement === $("query") && event.key === "ArrowDown";
  if (typing && !down) {
    if (event.key === "Escape") document.activeElement.blur();
    return;
  }
  const perRow = cards.filter(card => card.offsetTop === cards[0].offsetTop).length;
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: at < 0 ? 1 : perRow, ArrowUp: -perRow};
  if (event.key === "/") {
    $("query").focus();
    $("query").select();
  } else if (event.key in steps && cards.length) {
    const to = at < 0 ? 0 : at + steps[event.key];
    if (to < 0) $("query").focus();
    else cards[Math.min(to, cards.length - 1)].focus();
  } else if (event.key === "c" && at >= 0) {
    toggleMark(at);
  } else if (event.key === "h") {
    $("heat").click();
  } else {
    return;
  }
  event.preventDefault();
});

start();
