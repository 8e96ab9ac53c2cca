// How elements are made. Text of pages and of servers becomes text nodes, never markup.
import {overlay, scale} from "./heat.js";

export const $ = id => document.getElementById(id);

export function el(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export const score = value => value.toFixed(2);

// own are the tokens of the question, with their numbers among all; the others are the model's prompt.
export const own = result => numbered(result).filter(token => !token.prompt);
export const numbered = result => (result.why?.tokens ?? []).map((token, number) => ({...token, number}));

export const matches = tokens => tokens.filter(token => token.column !== null);

// paper is a page with its map, without the picture as yet. maps are those that share the scale, its own first.
export function paper(result, maps) {
  const sheet = el("span", {className: "paper"}, el("img", {alt: ""}));
  sheet.dataset.id = result.id;
  if (maps.length) sheet.append(overlay(maps[0], matches(own(result)), scale(maps)));
  return sheet;
}

// paint puts the picture on the paper as soon as it is there.
export async function paint(sheet, url) {
  const [img] = sheet.children;
  try {
    img.src = await url;
    await img.decode();
    sheet.style.setProperty("--ratio", img.naturalWidth / img.naturalHeight);
    sheet.classList.add("painted");
  } catch (failure) {
    sheet.append(el("span", {className: "unpainted"}, failure.title ?? "This page cannot be shown", failure.detail ? `: ${failure.detail}` : ""));
  }
}
