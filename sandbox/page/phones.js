"use strict";

const MAX_PHONES = 300;
const MAX_LISTED = 80;
const MAX_ITEMS = 200;
const FIGURES_MILLISECONDS = 2000;
const ENDS = new Set(["completed", "busy", "failed", "no-answer", "canceled"]);
const WORDS = {
  queued: "dialing", ringing: "ringing", "in-progress": "in call", completed: "ended", busy: "busy",
  failed: "failed", "no-answer": "not answered", canceled: "canceled",
};

const phones = new Map(); // number -> {number, items, bySid, at, last, call}
const waitingFor = new Set();
let chosen = null;
let pinned = false; // a person chose; otherwise the latest phone is shown
let behaviours = { suffixes: [], others: "" };

const $ = (id) => document.getElementById(id);
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function phoneOf(number) {
  let phone = phones.get(number);
  if (!phone) {
    phone = { number, items: [], bySid: new Map(), at: "", last: "", call: null };
    if (phones.size >= MAX_PHONES) phones.delete(phones.keys().next().value);
  }
  phones.delete(number); // the map's order is the order of the latest sign of life
  phones.set(number, phone);
  return phone;
}

function addItem(phone, item) {
  phone.items.push(item);
  phone.bySid.set(item.sid, item);
  if (phone.items.length > MAX_ITEMS) phone.bySid.delete(phone.items.shift().sid);
}

// Each function takes the phone and the entry of the book, and changes what the phone shows.
const happenings = {
  message(phone, entry) {
    addItem(phone, { type: "sms", sid: entry.sid, at: entry.at, text: entry.body, from: entry.from, status: entry.status });
    phone.last = entry.body;
  },
  inbound(phone, entry) {
    addItem(phone, { type: "mine", sid: entry.sid, at: entry.at, text: entry.body, from: entry.to });
    phone.last = "You: " + entry.body;
  },
  message_status(phone, entry) {
    const item = phone.bySid.get(entry.sid);
    if (item) { item.status = entry.status; item.error = entry.error_code; }
  },
  message_changed(phone, entry) {
    const item = phone.bySid.get(entry.sid);
    if (item) item.note = entry.change;
  },
  call(phone, entry) {
    addItem(phone, { type: "call", sid: entry.sid, at: entry.at, from: entry.from, status: "queued", manual: entry.manual, lines: [] });
    phone.last = "Call";
  },
  call_status(phone, entry) {
    const item = phone.bySid.get(entry.sid);
    if (!item) return;
    item.status = entry.status;
    phone.last = "Call: " + WORDS[entry.status];
    if (!ENDS.has(entry.status)) phone.call = item;
    else if (phone.call === item) phone.call = null;
  },
  said: (phone, entry) => addLine(phone, entry, "said", entry.text),
  played: (phone, entry) => addLine(phone, entry, "did", entry.digits ? "Tones " + entry.digits : "♪ plays a recording"),
  pressed: (phone, entry) => addLine(phone, entry, "keys", entry.keys),
  dialled: (phone, entry) => addLine(phone, entry, "did", "Connecting to " + entry.target + " …"),
  detected: (phone, entry) => addLine(phone, entry, "did", "Answered by: " + entry.answered_by.replaceAll("_", " ")),
  call_error: (phone, entry) => addLine(phone, entry, "bad", "Error " + entry.code + ": " + entry.reason),
};
happenings.leg = happenings.call;

function addLine(phone, entry, kind, text) {
  const item = phone.bySid.get(entry.sid);
  if (!item) return;
  item.lines.push({ kind, text });
  if (kind === "said") phone.last = "“" + text + "”";
}

function take(entry) {
  if (entry.kind === "modes") return showModes(entry);
  const happening = happenings[entry.kind];
  if (!happening) return;
  const phone = phoneOf(entry.kind === "inbound" ? entry.from : entry.to);
  phone.at = entry.at;
  happening(phone, entry);
  if (!pinned && (entry.kind === "message" || entry.kind === "call")) chosen = phone.number;
  waitingFor.add(phone.number);
  requestDrawing();
}

let drawing = false;
function requestDrawing() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; draw(); });
}

function draw() {
  drawList();
  if (chosen && waitingFor.has(chosen)) drawPhone(phones.get(chosen));
  waitingFor.clear();
}

function drawList() {
  const wanted = $("search").value.replaceAll(/[^\d]/g, "");
  const shown = [...phones.values()].reverse().filter((phone) => phone.number.includes(wanted)).slice(0, MAX_LISTED);
  $("list").replaceChildren(...shown.map((phone) => {
    const button = make("button");
    button.setAttribute("aria-current", String(phone.number === chosen));
    button.append(make("strong", "", phone.number), make("time", "", clock(phone.at)));
    const live = phone.call && (phone.call.status === "ringing" ? "☎ ringing" : "☎ in call");
    button.append(make("span", live ? "last live" : "last", live || phone.last));
    button.addEventListener("click", () => choose(phone.number));
    const row = make("li");
    row.append(button);
    return row;
  }));
}

function choose(number) {
  chosen = number;
  pinned = true;
  $("problem").textContent = "";
  waitingFor.add(number);
  requestDrawing();
}

function drawPhone(phone) {
  if (!phone) return;
  $("nothing").hidden = true;
  $("phone").hidden = false;
  $("number").textContent = phone.number;
  const known = behaviours.suffixes.find((row) => phone.number.endsWith(row.suffix));
  $("about").textContent = known ? known.about : behaviours.others;
  const thread = $("thread");
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 60 || thread.dataset.number !== phone.number;
  thread.replaceChildren(...phone.items.map((item) => (item.type === "call" ? drawCall(item) : drawText(item))));
  thread.dataset.number = phone.number;
  drawControls(phone); // before scrolling: the keypad takes its room from the thread
  if (atEnd) thread.scrollTop = thread.scrollHeight;
}

function drawText(item) {
  const box = make("div", item.type === "mine" ? "item mine" : "item");
  box.append(make("div", "bubble", item.note === "redacted" ? "(redacted)" : item.text));
  const bad = item.status === "undelivered" || item.status === "failed";
  const told = [clock(item.at), item.type === "mine" ? "to " + item.from : "from " + (item.from || "service")];
  const foot = make("small", "", told.join(" · "));
  if (item.status) foot.append(" · ", make("span", bad ? "bad" : "", item.status + (item.error ? " " + item.error : "")));
  box.append(foot);
  return box;
}

function drawCall(item) {
  const box = make("div", "item phonecall");
  const head = make("header");
  const over = ENDS.has(item.status);
  const tone = over ? (item.status === "completed" ? "state" : "state bad") : "state on";
  head.append(make("span", "", `☎ ${item.from} · ${clock(item.at)}`), make("span", tone, WORDS[item.status]));
  box.append(head);
  for (const line of item.lines) box.append(drawLine(line));
  return box;
}

function drawLine(line) {
  if (line.kind !== "keys") return make("div", line.kind === "bad" ? "did bad" : line.kind, line.text);
  const row = make("div", "did", "pressed ");
  for (const key of line.text) row.append(make("kbd", "", key), " ");
  return row;
}

function drawControls(phone) {
  const call = phone.call && phone.call.manual ? phone.call : null;
  $("call").hidden = !call;
  if (!call) return;
  const ringing = call.status === "ringing";
  $("call-state").textContent = ringing ? `${call.from} is calling` : `In call with ${call.from}`;
  $("ringing").hidden = !ringing;
  $("keypad").hidden = ringing;
  $("hang-up").hidden = ringing;
}

function showModes(modes) {
  const on = Object.entries(modes).filter(([name, value]) => typeof value === "number" && value > 0
    && !["seed", "seq", "receipts_held_seconds"].includes(name));
  $("modes").textContent = on.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`).join(" · ");
}

async function act(action, what = {}) {
  const path = `/_sandbox/phones/${encodeURIComponent(chosen)}/${action}`;
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(what) }).catch(() => null);
  $("problem").textContent = answer && answer.ok ? "" : "The phone could not do that just now.";
  return Boolean(answer && answer.ok);
}

function actInCall(action, what = {}) {
  pinned = true;
  const call = phones.get(chosen)?.call;
  return act(action, call ? { ...what, sid: call.sid } : what);
}

async function showFigures() {
  const answer = await fetch("/_sandbox/stats").catch(() => null);
  if (!answer || !answer.ok) return;
  const { messages, calls, entries } = await answer.json();
  const doubled = (of) => (of.doubled ? ` (${of.doubled} asked for more than once)` : "");
  $("figures").textContent = `Messages ${messages.accepted}${doubled(messages)} · `
    + `calls ${calls.accepted}${doubled(calls)} · replies ${entries.inbound || 0}`;
}

async function begin() {
  for (const key of "123456789*0#") {
    const button = make("button", "", key);
    button.addEventListener("click", () => actInCall("keys", { digits: key }));
    $("keypad").append(button);
  }
  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => actInCall(button.dataset.act));
  }
  $("search").addEventListener("input", requestDrawing);
  $("reply").addEventListener("submit", async (event) => {
    event.preventDefault();
    pinned = true;
    if (await act("reply", { body: $("text").value })) $("text").value = "";
  });
  behaviours = await (await fetch("/_sandbox/customers")).json();
  for (const row of behaviours.suffixes) $("behaviours").append(make("dt", "", row.suffix), make("dd", "", row.about));
  $("behaviours").append(make("dt", "", "others"), make("dd", "", behaviours.others));
  showModes(await (await fetch("/_sandbox/modes")).json());
  showFigures();
  setInterval(() => document.hidden || showFigures(), FIGURES_MILLISECONDS);
  listen();
}

function listen() {
  const stream = new EventSource("/_sandbox/events");
  stream.addEventListener("open", () => {
    phones.clear(); // the stream begins with the recent past, after a lost connection too
    requestDrawing();
  });
  stream.addEventListener("message", (event) => take(JSON.parse(event.data)));
}

begin();
