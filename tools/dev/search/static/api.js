// What the page asks of the program that serves it, and what it does about failures.

export class Failure extends Error {
  constructor({title, detail = "", remedy = ""}) {
    super(title);
    Object.assign(this, {title, detail, remedy});
  }
}

const gone = new Failure({
  title: "The search page's program has ended",
  detail: "Nothing answers at " + location.host + ".",
  remedy: "Start it again: make search",
});

async function post(name, question, signal) {
  let answer;
  try {
    answer = await fetch("api/" + name, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(question), signal,
    });
  } catch (error) {
    throw signal?.aborted ? error : gone;
  }
  if (!answer.ok) {
    throw new Failure(await answer.json().catch(() => ({title: "The search page's program answered " + answer.status})));
  }
  return answer;
}

export async function ask(name, question, signal) {
  return (await post(name, question, signal)).json();
}

// pictures are fetched once each and kept as blob: URLs until the next search.
const pictures = new Map();

export function picture(question) {
  const key = JSON.stringify(question);
  if (!pictures.has(key)) {
    const made = post("page", question).then(async answer => URL.createObjectURL(await answer.blob()));
    made.catch(() => pictures.delete(key)); // to be tried again
    pictures.set(key, made);
  }
  return pictures.get(key);
}

export function forgetPictures() {
  for (const made of pictures.values()) made.then(url => URL.revokeObjectURL(url), () => {});
  pictures.clear();
}
