// What is shown, and how the address says it. The part after # never leaves the browser.

export const state = {
  about: null, // what there is to search
  asked: null, // the search that was answered
  results: [],
  marked: null, // the result that waits to be compared
};

// where is what the answered search looked in.
export function where() {
  const {collection, vector, tenant} = state.asked;
  return {collection, vector, tenant};
}

const names = {query: "q", collection: "c", vector: "v", tenant: "t", limit: "n", precision: "p", page: "page", with: "with", token: "token"};

export function fromHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(Object.entries(names).filter(([, short]) => given.has(short)).map(([name, short]) => [name, given.get(short)]));
}

// toHash keeps what is shown in the address, as a new entry of the history or in place of the last.
export function toHash(shown, anew) {
  const kept = Object.entries(shown).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const hash = "#" + new URLSearchParams(kept.map(([name, value]) => [names[name], value]));
  if (hash !== location.hash) history[anew ? "pushState" : "replaceState"](null, "", hash);
}
