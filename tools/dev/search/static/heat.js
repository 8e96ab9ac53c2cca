// The similarity map as a drawing over a page: the same look as the server's own pictures
// (vectorizer/similarity), but its scale can be shared by pages that are compared.

const svg = "http://www.w3.org/2000/svg";

// Most of a page matches nothing: a veil over everything would hide it.
const coolShare = 0.9;
const opacity = 0.6;

// scale is from where to where patches are painted, of one map or of several together.
export function scale(maps) {
  const sorted = maps.flatMap(map => map.values).sort((a, b) => a - b);
  return {low: sorted[Math.floor(coolShare * (sorted.length - 1))], high: sorted.at(-1)};
}

// overlay draws a map of patches, and a frame around each that was matched: [{column, row}].
export function overlay(map, matched, {low, high}) {
  const drawing = shape("svg", {viewBox: `0 0 ${map.width} ${map.height}`, preserveAspectRatio: "none", class: "heat"});
  drawing.setAttribute("aria-hidden", "true");
  map.values.forEach((value, patch) => {
    const strength = high > low ? Math.max(0, (value - low) / (high - low)) : 0;
    if (strength > 0) {
      drawing.append(shape("rect", {
        x: patch % map.width, y: Math.floor(patch / map.width), width: 1, height: 1, "fill-opacity": (opacity * strength).toFixed(3),
      }));
    }
  });
  for (const {column, row} of matched) {
    drawing.append(shape("rect", {x: column, y: row, width: 1, height: 1, class: "match"}));
  }
  return drawing;
}

function shape(name, attributes) {
  const made = document.createElementNS(svg, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
