// Reads numbers as people type them, as `web/formatting/typed_numbers.py` does: 12,50 and 12.50, 1 234,5,
// 1’234.50, € 3.80, 3.80 USD.
const BODY = /^\d*(?:[ '.,]\d+)*$/;

// Whether these are digits of a whole number, in groups of three or as in India (1,23,456).
function isGrouped(separators, groups) {
  if (!separators.length) return groups[0] !== "";
  const [first, ...others] = groups, last = others.pop();
  const lengths = new Set(others.map((group) => group.length));
  return new Set(separators).size === 1 && /^[1-9]\d{0,2}$/.test(first) && last.length === 3
    && (!lengths.size || (lengths.size === 1 && (lengths.has(3) || lengths.has(2))));
}

// Every positive number that a text can mean, the larger one first.
export function possibleNumbers(text) {
  const body = text.replace(/[\u00a0\u2007\u2009\u202f]/g, " ").replace(/[’‘ʼ´]/g, "'").trim();
  if (!body || !BODY.test(body)) return [];
  const separators = body.match(/\D/g) ?? [], groups = body.split(/\D/), readings = [];
  if (isGrouped(separators, groups)) readings.push(Number(groups.join("")));
  const last = separators.at(-1), thousands = separators.slice(0, -1), whole = groups.slice(0, -1);
  if (last === "." || last === ",") {
    const isWhole = (whole.length === 1 && whole[0] === "") || isGrouped(thousands, whole);
    if (!thousands.includes(last) && isWhole) readings.push(Number(`${whole.join("") || "0"}.${groups.at(-1)}`));
  }
  return readings;
}

// The amount that a text means, with or without its currency; 0 for any other text, and for one that can be
// read in two ways. `most` settles what it can.
export function readAmount(text, most) {
  const number = text.trim().replace(/^[^\d.,+-]+/, "").replace(/\D+$/, "");
  const readings = possibleNumbers(number);
  const within = readings.filter((reading) => !most || reading <= Number(most));
  const [only, other] = within.length ? within : readings;
  return other === undefined && only ? only : 0;
}
