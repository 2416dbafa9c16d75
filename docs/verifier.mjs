// A second verifier of Kandian certificate bundles: Node 18 or newer, no dependency, nothing shared with the toolkit.
// node verifier.mjs FILE.kandian KEY.pub.json...   Exit code: 0, or 16 + 1 (signature) + 2 (content).
// It does not read the spec files: that requirements.json says what they say is for `kandian verify`.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

const problems = { signature: [], content: [] };
const say = (question, code, where) => problems[question].push(`${code}  ${where}`);
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");
const canonical = (value) => Array.isArray(value) ? `[${value.map(canonical)}]`
  : value && typeof value === "object"
    ? `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}` : JSON.stringify(value);
const same = (a, b) => canonical(a ?? null) === canonical(b ?? null);
class Refused extends Error { }
const refuse = (code) => { throw new Refused(code); };

function openZip(data) {
  const end = data.length - 22;
  if (end < 0 || data.readUInt32LE(end) !== 0x06054b50) refuse("not-a-zip");
  const count = data.readUInt16LE(end + 10), start = data.readUInt32LE(end + 16);
  const files = new Map(), lower = new Set();
  let at = start, total = 0;
  const bodies = [];
  for (let k = 0; k < count; k++) {
    if (at + 46 > end || data.readUInt32LE(at) !== 0x02014b50) refuse("not-a-zip");
    const [flags, method] = [data.readUInt16LE(at + 8), data.readUInt16LE(at + 10)];
    const [packed, size, nameLength] = [data.readUInt32LE(at + 20), data.readUInt32LE(at + 24), data.readUInt16LE(at + 28)];
    const kind = (data.readUInt32LE(at + 38) >>> 16) & 0o170000, offset = data.readUInt32LE(at + 42);
    const name = data.toString("latin1", at + 46, at + 46 + nameLength);
    if (!name.split("/").every((part) => /^[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*$/.test(part))) refuse("unsafe-name");
    if (kind !== 0 && kind !== 0o100000) refuse("not-a-file");
    if (flags & 1 || (method !== 0 && method !== 8)) refuse("zip-method");
    total += size;
    if ((size > 1 << 20 && size > packed * 100) || total > 2 ** 33) refuse("zip-bomb");
    if (lower.has(name.toLowerCase())) refuse("duplicate-name");
    lower.add(name.toLowerCase());
    bodies.push([offset, offset + 30 + nameLength + packed]);
    files.set(name, () => {
      const body = data.subarray(offset + 30 + nameLength, offset + 30 + nameLength + packed);
      const plain = method ? inflateRawSync(body, { maxOutputLength: Math.max(size, 1) }) : body;
      return plain.length === size ? plain : refuse("damaged-entry");
    });
    at += 46 + nameLength + data.readUInt16LE(at + 30) + data.readUInt16LE(at + 32);
  }
  bodies.sort((a, b) => a[0] - b[0]);
  let expected = 0;
  for (const [from, to] of bodies) { if (from !== expected) refuse("zip-structure"); expected = to; }
  if (expected !== start || at !== end) refuse("zip-structure");
  return files;
}
function parse(where, data) {
  try { return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)); } catch { return refuse(`not-json ${where}`); }
}

const ORDER = ["NOT_SELECTED", "NOT_APPLICABLE", "PASS", "WAIVED", "WARN", "NOT_TESTED", "BLOCKED", "INCONCLUSIVE", "FAIL", "ERROR"];
const worst = (verdicts) => ORDER[Math.max(...verdicts.map((verdict) => ORDER.indexOf(verdict)))];
const tally = (verdicts) => verdicts.reduce((found, verdict) => ({ ...found, [verdict]: (found[verdict] ?? 0) + 1 }), {});
function supported(test, id, stanza, proposed) {
  const outcomes = new Set(test.checks.filter((check) => check.requirement === id).map((check) => check.outcome));
  const broken = stanza.level === "MUST" ? (stanza.status === "proposed" ? proposed : "FAIL") : stanza.level === "SHOULD" ? "WARN" : "PASS";
  if (test.fault === "suite") return ["ERROR"];
  if (!test.controls.every((control) => control.held)) return ["INCONCLUSIVE"];
  if (outcomes.has("violated")) return [broken];
  if (test.fault) return [stanza.interrupted === "FAIL" ? broken : "INCONCLUSIVE"];
  for (const [outcome, verdict] of [["inconclusive", "INCONCLUSIVE"], ["held", "PASS"], ["not_applicable", "NOT_APPLICABLE"]])
    if (outcomes.has(outcome)) return [verdict];
  return ["ERROR", "INCONCLUSIVE", "BLOCKED"];
}
function checkContent(files, manifest) {
  const need = (name) => (files.get(name) ?? (() => refuse(`missing-file ${name}`)))();
  for (const name of files.keys())
    if (name !== "manifest.json" && !/^signatures\/.*\.dsse\.json$/.test(name) && !manifest.files[name]) say("content", "extra-file", name);
  for (const [name, entry] of Object.entries(manifest.files))
    if (!files.has(name)) say("content", "missing-file", name);
    else if (sha256(need(name)) !== entry.sha256) say("content", "changed-file", name);
  const text = need("results.jsonl").toString("utf-8").split("\n");
  if (text.pop() !== "") refuse("truncated results.jsonl");
  const [header, ...tests] = text.map((line) => parse("results.jsonl", Buffer.from(line)));
  const footer = tests.pop(), plan = parse("plan.json", need("plan.json")), stanzas = parse("requirements.json", need("requirements.json"));
  if (header?.kind !== "header" || footer?.kind !== "footer") refuse("truncated results.jsonl");
  for (const source of [header, footer, plan])
    for (const name of Object.keys(manifest))
      if (!["kandian", "counts"].includes(name) && name in source && !same(source[name], manifest[name])) say("content", "differs", name);
  if (plan.digest !== manifest.plan_digest || header.plan_digest !== plan.digest) say("content", "other-plan", "plan.json");
  const judged = {}, seen = new Set(), folders = new Set([...files.keys()].filter((name) => name.startsWith("evidence/")).map((name) => name.split("/")[1]));
  let last = -1;
  for (const test of tests) {
    if (seen.has(test.id) || test.index <= last) say("content", "order", test.id);
    seen.add(test.id); last = test.index;
    const quiet = plan.evidence.keep === "findings" && ["PASS", "NOT_APPLICABLE"].includes(test.verdict);
    if (!folders.has(test.id) && test.verdict !== "BLOCKED" && !quiet) say("content", "no-evidence", test.id);
    if (test.verdict !== worst(Object.values(test.requirements))) say("content", "unsupported-verdict", test.id);
    for (const [id, verdict] of Object.entries(test.requirements)) {
      (judged[id] ??= []).push(verdict);
      if (!stanzas[id]) say("content", "unknown-requirement", id);
      else if (!supported(test, id, stanzas[id], plan.proposed_violation).includes(verdict)) say("content", "unsupported-verdict", `${test.id} ${id}`);
    }
  }
  const untested = { selected: footer.blocked ? "BLOCKED" : "NOT_TESTED", not_applicable: "NOT_APPLICABLE", excluded: "NOT_TESTED", not_tested: "NOT_TESTED", not_selected: "NOT_SELECTED" };
  const totals = Object.fromEntries(plan.requirements.map((row) => [row.id, judged[row.id] ? worst(judged[row.id]) : untested[row.selection]]));
  if (!same(totals, footer.requirements) || footer.tests !== tests.length || !same(tally(tests.map((test) => test.verdict)), footer.counts)) say("content", "totals", "results.jsonl");
  if (!same(tally(Object.values(footer.requirements)), manifest.counts)) say("content", "counts", "manifest.json");
  const spec = [...files.keys()].filter((name) => name.startsWith("spec/")).map((name) => name.slice(5).split("/")).sort((a, b) => { for (let k = 0; ; k++) if (a[k] !== b[k]) return (a[k] ?? "") < (b[k] ?? "") ? -1 : 1; });
  if (sha256(...spec.flatMap((parts) => [parts.join("/"), "\0", need(`spec/${parts.join("/")}`), "\0"])) !== plan.spec_digest) say("content", "other-spec", "spec/");
  if (!same(parse("environment.json", need("environment.json")).declared, header.device)) say("content", "other-device", "environment.json");
  return { manifest, rows: plan.requirements.map((row) => ({ id: row.id, selection: row.selection, verdict: footer.requirements[row.id] })) };
}
function checkSignatures(files, digest, keys, content) {
  let trusted = false;
  const names = [...files.keys()].filter((name) => /^signatures\/.*\.dsse\.json$/.test(name));
  if (!names.length) say("signature", "unsigned", "signatures/");
  for (const name of names) {
    const envelope = parse(name, files.get(name)()), payload = Buffer.from(envelope.payload, "base64"), kind = Buffer.from(envelope.payloadType);
    const signed = Buffer.concat([Buffer.from(`DSSEv1 ${kind.length} ${envelope.payloadType} ${payload.length} `), payload]);
    const ok = (key, one) => verify(null, signed, createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(key.public, "hex").toString("base64url") } }), Buffer.from(one.sig, "base64"));
    const key = keys.find((one) => envelope.signatures.some((sig) => ok(one, sig)));
    if (!key && keys.some((one) => envelope.signatures.some((sig) => sig.keyid === one.keyid))) { say("signature", "bad-signature", name); continue; }
    const { subject, predicateType, predicate } = parse(name, payload), ours = predicateType === "urn:x-kandian:requirement-verdicts:v1";
    if (!same(subject, [{ name: "manifest.json", digest: { sha256: digest } }])) { say("signature", "other-content", name); continue; }
    if (ours && content && (!same(predicate.requirements, content.rows) || !same(predicate.counts, content.manifest.counts))) say("content", "statement-differs", name);
    const [from, at, to] = [key?.created, predicate.signedAt, key?.expires].map((time) => Date.parse(time));
    if (ours && key && predicate.role !== key.role) say("signature", "other-role", name);
    else if (ours && key && !(from <= at && at <= to && at <= Date.now() + 300000)) say("signature", "expired-key", name);
    else if (ours && key) trusted = `${key.role} ${key.owner}`;
    else if (!key) say("unknown" in problems ? "unknown" : (problems.unknown = [], "unknown"), "unknown-key", name);
  }
  return trusted;
}

let trusted = false, examined = false, content = null, manifest = null;
try {
  const files = openZip(readFileSync(process.argv[2]));
  const keys = process.argv.slice(3).map((path) => parse(path, readFileSync(path)));
  const data = (files.get("manifest.json") ?? (() => refuse("missing-file manifest.json")))();
  try { manifest = parse("manifest.json", data); content = checkContent(files, manifest); } catch (error) { say("content", error instanceof Refused ? error.message : `shape ${error.message}`, ""); }
  try { trusted = checkSignatures(files, sha256(data), keys, content); examined = true; } catch (error) { say("signature", error instanceof Refused ? error.message : `envelope ${error.message}`, ""); }
} catch (error) { say("content", error instanceof Refused ? error.message : `not-a-zip ${error.message}`, ""); }
const signed = examined && trusted && !problems.signature.length, whole = !problems.content.length;
console.log(JSON.stringify({ signature: signed ? trusted : [...problems.signature, ...(problems.unknown ?? [])], content: whole ? "whole" : problems.content }, null, 1));
process.exitCode = signed && whole ? 0 : 16 + (signed ? 0 : 1) + (whole ? 0 : 2);
