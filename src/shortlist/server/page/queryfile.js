// Query sets as files: the JSON lines that the page writes, and the JSON lines and CSV that it reads. No DOM.

const FIELDS = ["id", "query", "relevant", "grade", "snippet", "rerank_query"];

/** Return the records as JSON lines, in the form that `shortlist evaluate` reads. */
export const toJsonLines = (records) => records.map((record) => `${JSON.stringify(record)}\n`).join("");

/** Return the records of a file. Throws an Error that names the line, and reads all lines or none. */
export function readRecords(name, text) {
  const plain = text.replace(/^\uFEFF/, "");
  return /\.(csv|tsv)$/i.test(name) ? fromTable(plain, /\.tsv$/i.test(name)) : fromJsonLines(plain);
}

function fromJsonLines(text) {
  const records = text.split("\n").map((line, place) => [line.trim(), `line ${place + 1}`]).filter(([line]) => line);
  return records.map(([line, place]) => {
    let record = null;
    try {
      record = JSON.parse(line);
    } catch {
      throw new Error(`${place} is not JSON`);
    }
    if (typeof record?.query !== "string" || !record.query.trim()) throw new Error(`${place} has no "query"`);
    const unknown = Object.keys(record).find((field) => !["id", "query", "relevant", "snippets", "rerank_query"].includes(field));
    if (unknown) throw new Error(`${place} has the unknown field "${unknown}"`);
    const kept = { query: record.query.trim(), relevant: grades(record.relevant, place) };
    if (record.id !== undefined && record.id !== null) kept.id = String(record.id);
    const snippets = grades(record.snippets, place);
    if (Object.keys(snippets).length) kept.snippets = snippets;
    if (record.rerank_query) kept.rerank_query = String(record.rerank_query);
    return kept;
  });
}

function grades(given, place) {
  if (given === undefined || given === null) return {};
  const pairs = typeof given === "object" && !Array.isArray(given) ? Object.entries(given) : [given].flat().map((key) => [String(key), 1]);
  return Object.fromEntries(pairs.map(([key, grade]) => [key, wholeNumber(grade, place)]));
}

function wholeNumber(given, place) {
  const grade = typeof given === "boolean" || given === null ? NaN : Number(given);
  if (!Number.isInteger(grade)) throw new Error(`${place}: the grade ${JSON.stringify(given)} is not a whole number`);
  return grade;
}

function fromTable(text, tabs) {
  const delimiter = tabs ? "\t" : [",", ";", "\t"].reduce((best, mark) => header(text, mark) > header(text, best) ? mark : best);
  const [first = [], ...rows] = cells(text, delimiter);
  const columns = first.map((cell) => cell.trim().toLowerCase());
  const unknown = columns.find((column) => !FIELDS.includes(column));
  if (!columns.includes("query") || !(columns.includes("relevant") || columns.includes("snippet")) || unknown) {
    throw new Error(`line 1 must name query, and relevant or snippet${unknown ? `: "${unknown}" is unknown` : ""}`);
  }
  return rows.flatMap((row, place) => row.some((cell) => cell.trim()) ? [rowRecord(columns, row, `row ${place + 2}`)] : []);
}

const header = (text, mark) => text.split("\n", 1)[0].split(mark).filter((cell) => FIELDS.includes(cell.trim().toLowerCase())).length;

function rowRecord(columns, row, place) {
  const cell = (name) => (row[columns.indexOf(name)] ?? "").trim();
  if (!cell("query")) throw new Error(`${place} has no query`);
  const grade = wholeNumber(cell("grade") || 1, place);
  const record = { query: cell("query"), relevant: {} };
  for (const id of cell("relevant").split("|").map((text) => text.trim()).filter(Boolean)) record.relevant[id] = grade;
  if (cell("id")) record.id = cell("id");
  if (cell("snippet")) record.snippets = { [cell("snippet")]: grade };
  if (cell("rerank_query")) record.rerank_query = cell("rerank_query");
  return record;
}

/** Return the rows of a table. A cell in double quotes may contain the delimiter, line ends and doubled quotes. */
function cells(text, delimiter) {
  const rows = [[""]];
  let quoted = false;
  for (let place = 0; place < text.length; place += 1) {
    const row = rows.at(-1);
    const mark = text[place];
    if (quoted && mark === '"' && text[place + 1] === '"') row[row.length - 1] += text[place += 1];
    else if (mark === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
    else if (quoted) row[row.length - 1] += mark;
    else if (mark === delimiter) row.push("");
    else if (mark === "\n") rows.push([""]);
    else if (mark !== "\r") row[row.length - 1] += mark;
  }
  if (quoted) throw new Error("a double quote is not closed");
  return rows;
}
