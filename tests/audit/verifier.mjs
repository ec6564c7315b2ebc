// A second verifier of Doorward's logs, written from docs/audit-log.md and RFC 6962 alone. It shares no code with Doorward.
//
//   node verifier.mjs log FOLDER VKEY                      every bundle, tile and the checkpoint of a log
//   node verifier.mjs proof PROOF ENTRY VKEY               one entry, by its .tlog-proof
//   node verifier.mjs consistency OLD NEW PROOF VKEY       that one checkpoint extends another; PROOF: a hash in base64 a line
//
// Prints what it found as JSON. Ends with 0 when all is well, else with 1 and what is wrong.
import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const leaf = (entry) => sha(Buffer.from([0]), entry);
const node = (left, right) => sha(Buffer.from([1]), left, right);
const fail = (why) => { throw new Error(why); };

function parseKey(vkey) {
  const [name, id, ...rest] = vkey.trim().split("+");
  const coded = Buffer.from(rest.join("+"), "base64");
  if (coded.length !== 33 || coded[0] !== 1) fail("the key is no Ed25519 vkey");
  const expected = sha(Buffer.from(name + "\n"), coded).subarray(0, 4);
  if (expected.toString("hex") !== id) fail("the key's id is wrong");
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), coded.subarray(1)]);
  return { name, id: expected, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

function parseCheckpoint(note, key) {
  const text = note.toString("utf8");
  const gap = text.lastIndexOf("\n\n");
  const body = text.slice(0, gap + 1);
  const signed = text.slice(gap + 2).split("\n").some((line) => {
    const [dash, name, coded] = line.split(" ");
    if (dash !== "—" || name !== key.name) return false;
    const bytes = Buffer.from(coded, "base64");
    return bytes.subarray(0, 4).equals(key.id) && verify(null, Buffer.from(body), key.key, bytes.subarray(4));
  });
  if (!signed) fail("the checkpoint is not signed by this key");
  const [origin, size, root] = body.split("\n");
  if (origin !== key.name) fail("the checkpoint is of another log");
  return { size: Number(size), root: Buffer.from(root, "base64") };
}

function tilePath(level, index, width) {
  let groups = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift("x" + String(rest % 1000).padStart(3, "0"));
  }
  return `tile/${level}/${groups.join("/")}` + (width === 256 ? "" : `.p/${width}`);
}

// A partial file may have been replaced by the full one, which begins in the same way.
function read(folder, level, index, width) {
  for (const tried of [width, 256]) {
    const path = join(folder, tilePath(level, index, tried));
    if (existsSync(path)) return readFileSync(path);
  }
  return fail(`${tilePath(level, index, width)} is missing`);
}

// RFC 6962, section 2.1, by its own recursive definition.
function treeHash(leaves, start = 0, end = leaves.length) {
  if (end === start) return sha(Buffer.alloc(0));
  if (end - start === 1) return leaves[start];
  let split = 1;
  while (split * 2 < end - start) split *= 2;
  return node(treeHash(leaves, start, start + split), treeHash(leaves, start + split, end));
}

function checkLog(folder, vkey) {
  const { size, root } = parseCheckpoint(readFileSync(join(folder, "checkpoint")), parseKey(vkey));
  let hashes = [];
  for (let first = 0; first < size; first += 256) {
    const width = Math.min(256, size - first);
    const bundle = read(folder, "entries", first / 256, width);
    let at = 0;
    for (let position = 0; position < width; position++) {
      const end = at + 2 + bundle.readUInt16BE(at);
      if (end > bundle.length) fail(`entry ${first + position} is cut off`);
      hashes.push(leaf(bundle.subarray(at + 2, end)));
      at = end;
    }
  }
  if (!treeHash(hashes).equals(root)) fail("the entries do not lead to the signed root");
  for (let level = 0; hashes.length > 0; level++) {
    for (let first = 0; first < hashes.length; first += 256) {
      const width = Math.min(256, hashes.length - first);
      const tile = read(folder, level, first / 256, width);
      const expected = Buffer.concat(hashes.slice(first, first + width));
      if (!tile.subarray(0, expected.length).equals(expected)) fail(`${tilePath(level, first / 256, width)} is not what it must be`);
    }
    const above = [];
    for (let first = 0; first + 256 <= hashes.length; first += 256) above.push(treeHash(hashes, first, first + 256));
    hashes = above;
  }
  return { size, root: root.toString("base64") };
}

// RFC 6962, section 2.1.1, read from the root down: which way the path goes at each step follows from the sizes alone.
function rootFrom(hash, index, size, path) {
  if (size === 1) return path.length === 0 ? hash : fail("the proof is too long");
  if (path.length === 0) fail("the proof is too short");
  let split = 1;
  while (split * 2 < size) split *= 2;
  const sibling = path[path.length - 1];
  const rest = path.slice(0, -1);
  return index < split
    ? node(rootFrom(hash, index, split, rest), sibling)
    : node(sibling, rootFrom(hash, index - split, size - split, rest));
}

function checkProof(proof, entry, vkey) {
  const text = readFileSync(proof, "utf8");
  const gap = text.indexOf("\n\n");
  const [title, index, ...path] = text.slice(0, gap).split("\n").filter((line) => !line.startsWith("extra "));
  if (title !== "c2sp.org/tlog-proof@v1" || !/^index \d+$/.test(index)) fail("this is no proof");
  const checkpoint = parseCheckpoint(Buffer.from(text.slice(gap + 2)), parseKey(vkey));
  const place = Number(index.slice(6));
  if (place >= checkpoint.size) fail("the entry is not under the checkpoint");
  const hashes = path.map((line) => Buffer.from(line, "base64"));
  if (!rootFrom(leaf(readFileSync(entry)), place, checkpoint.size, hashes).equals(checkpoint.root)) {
    fail("the proof does not show this entry");
  }
  return { index: place, size: checkpoint.size };
}

// RFC 6962, section 2.1.2: both roots from one path, following the definition of PROOF and SUBPROOF.
function rootsFrom(old, size, path, isWhole, oldRoot) {
  if (old === size) {
    if (isWhole) return path.length === 0 ? [oldRoot, oldRoot] : fail("the proof is too long");
    return path.length === 1 ? [path[0], path[0]] : fail("the proof has the wrong length");
  }
  let split = 1;
  while (split * 2 < size) split *= 2;
  if (path.length === 0) fail("the proof is too short");
  const last = path[path.length - 1];
  const rest = path.slice(0, -1);
  if (old <= split) {
    const [before, after] = rootsFrom(old, split, rest, isWhole, oldRoot);
    return [before, node(after, last)];
  }
  const [before, after] = rootsFrom(old - split, size - split, rest, false, oldRoot);
  return [node(last, before), node(last, after)];
}

function checkConsistency(older, newer, proof, vkey) {
  const key = parseKey(vkey);
  const before = parseCheckpoint(readFileSync(older), key);
  const after = parseCheckpoint(readFileSync(newer), key);
  if (before.size > after.size) fail("the later checkpoint is the smaller one");
  const path = readFileSync(proof, "utf8").split("\n").filter(Boolean).map((line) => Buffer.from(line, "base64"));
  if (before.size > 0) {
    const [first, second] = rootsFrom(before.size, after.size, path, true, before.root);
    if (!first.equals(before.root) || !second.equals(after.root)) fail("the one does not extend the other");
  } else if (path.length > 0 || !before.root.equals(sha(Buffer.alloc(0)))) fail("the one does not extend the other");
  return { from: before.size, to: after.size };
}

const [what, ...given] = process.argv.slice(2);
try {
  const checks = { log: checkLog, proof: checkProof, consistency: checkConsistency };
  console.log(JSON.stringify(checks[what](...given)));
} catch (error) {
  console.log(JSON.stringify({ wrong: error.message }));
  process.exit(1);
}
