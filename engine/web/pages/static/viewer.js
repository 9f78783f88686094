// The viewer: both prints of a finger, moved and shown together or each alone.

import { isCommand } from "./keys.js";
import { hue } from "./marks.js";
import { follow } from "./pointers.js";
import { Side } from "./side.js";

const ZOOM = 1.25; // for a press of a key
const STEP = 60; // px of the canvas
const TURN = (5 * Math.PI) / 180;
const TONE = 10;
const SEEK = 1.6; // the least scale at which a pair is looked at

const root = document.getElementById("viewer");
const prints = JSON.parse(document.getElementById("prints").textContent);
const said = document.getElementById("said");
const chips = root.querySelector(".chips");
const shows = { tone: { brightness: 0, contrast: 0, inverted: false }, enhanced: false,
  minutiae: false, pairs: false, chosen: -1 }; // marks come when asked for: first look for yourself
let linked = true;
let shown = Number(root.dataset.shown) - 1;
let active = null; // the side that keys move
let wanted = false; // whether a drawing is under way

const fingers = prints.fingers.map((finger, place) => {
  const panel = root.querySelector(`[data-panel="${place + 1}"]`);
  const sides = ["probe", "candidate"].map((name) => {
    const figure = panel.querySelector(`[data-side="${name}"]`);
    const canvas = figure.querySelector("canvas");
    const folder = `/desk/cases/${prints.key}/pictures/${finger.number}/${name}`;
    const addresses = finger[name].image
      ? { original: `${folder}/original`, enhanced: `${folder}/enhanced` }
      : {};
    const side = new Side(canvas, finger[name], name, addresses, finger.pairs, redraw);
    canvas.hidden = false;
    figure.addEventListener("focusin", () => activate(side));
    figure.addEventListener("pointerdown", () => activate(side));
    follow(canvas, {
      move: (dx, dy) => change(side, (view) => view.move(dx, dy)),
      zoom: (factor, x, y) => change(side, (view) => view.zoom(factor, x, y)),
      turn: (angle, x, y) => changeAlone(side, (view) => view.turn(angle, x, y)),
      click: (x, y) => shows.pairs && choose(side.pairAt(x, y)),
    });
    new ResizeObserver(() => {
      side.measure();
      redraw();
    }).observe(canvas);
    return side;
  });
  return { panel, sides, pairs: finger.pairs };
});

function redraw() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    for (const side of fingers[shown].sides) side.draw(shows);
    Object.assign(root.dataset, { chosen: shows.chosen + 1, linked });
  });
}

function activate(side) {
  active = side;
  for (const each of fingers[shown].sides) {
    each.canvas.closest("figure").classList.toggle("active", each === side);
  }
}

// Changes the view of a side, and of the other one too where they are linked.
function change(side, act) {
  for (const each of fingers[shown].sides) if (each === side || linked) act(each.view);
  redraw();
}

function changeAlone(side, act) {
  act(side.view);
  redraw();
}

function choose(number) {
  shows.chosen = number;
  if (number >= 0) {
    for (const side of fingers[shown].sides) side.seek(number, SEEK);
    say(`Pair ${number + 1} of ${fingers[shown].pairs.length}`);
  }
  for (const chip of chips.children) {
    const own = Number(chip.textContent) === number + 1;
    chip.setAttribute("aria-pressed", own);
    chip.tabIndex = own || (number < 0 && !chip.previousSibling) ? 0 : -1;
    if (own) chip.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  redraw();
}

function step(by) {
  const count = fingers[shown].pairs.length;
  if (!count) return say("The matcher paired no minutiae");
  if (!shows.pairs) toggle("pairs");
  choose(shows.chosen < 0 ? (by > 0 ? 0 : count - 1) : (shows.chosen + by + count) % count);
}

function list() {
  const { pairs } = fingers[shown];
  root.querySelector(".pairs").hidden = !shows.pairs;
  document.getElementById("pairs-title").textContent = pairs.length ? "Pairs" : "No pairs";
  chips.replaceChildren(
    ...pairs.map((_, number) => {
      const chip = document.createElement("button");
      Object.assign(chip, { type: "button", textContent: number + 1, tabIndex: number ? -1 : 0 });
      chip.setAttribute("aria-pressed", "false");
      chip.style.setProperty("--hue", hue(number));
      chip.addEventListener("click", () => choose(number));
      return chip;
    }),
  );
}

function open(place) {
  shown = (place + fingers.length) % fingers.length;
  shows.chosen = -1;
  fingers.forEach(({ panel }, each) => (panel.hidden = each !== shown));
  for (const link of document.querySelectorAll("[data-finger]")) {
    const own = Number(link.dataset.finger) === shown + 1;
    if (own) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    if (own && fingers.length > 1) say(link.textContent);
  }
  for (const side of fingers[shown].sides) side.measure();
  activate(fingers[shown].sides[0]);
  list();
  redraw();
}

function toggle(name) {
  const button = root.querySelector(`[data-toggle="${name}"]`);
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", on);
  if (name === "linked") linked = on;
  else if (name === "inverted") shows.tone = { ...shows.tone, inverted: on };
  else shows[name] = on;
  if (name === "pairs") {
    shows.chosen = -1;
    list();
  }
  redraw();
  say(`${button.firstChild.textContent.trim()} ${on ? "on" : "off"}`);
}

function tone(name, by) {
  const slider = root.querySelector(`[data-tone="${name}"]`);
  slider.value = Number(slider.value) + by;
  shows.tone = { ...shows.tone, [name]: Number(slider.value) };
  redraw();
}

function reset() {
  for (const side of fingers[shown].sides) {
    side.measure(); // what was shown or hidden just now may have changed it
    side.fit();
  }
  for (const slider of root.querySelectorAll("[data-tone]")) {
    slider.value = 0;
    tone(slider.dataset.tone, 0);
  }
  if (shows.tone.inverted) toggle("inverted");
  choose(-1);
  say("As at the beginning");
}

const say = (words) => (said.textContent = words);
const move = (dx, dy) => change(active, (view) => view.move(dx, dy));
const commands = {
  smaller: () => change(active, (view) => view.zoom(1 / ZOOM)),
  larger: () => change(active, (view) => view.zoom(ZOOM)),
  left: () => changeAlone(active, (view) => view.turn(-TURN)),
  right: () => changeAlone(active, (view) => view.turn(TURN)),
  reset,
};
const keys = {
  ArrowLeft: () => move(STEP, 0),
  ArrowRight: () => move(-STEP, 0),
  ArrowUp: () => move(0, STEP),
  ArrowDown: () => move(0, -STEP),
  "=": commands.larger,
  f: () => open(shown + 1),
  b: () => tone("brightness", -TONE),
  B: () => tone("brightness", TONE),
  c: () => tone("contrast", -TONE),
  C: () => tone("contrast", TONE),
  ",": () => step(-1),
  ".": () => step(1),
};

for (const button of root.querySelectorAll("[data-do]")) {
  button.addEventListener("click", commands[button.dataset.do]);
}
for (const button of root.querySelectorAll("[data-toggle]")) {
  button.addEventListener("click", () => toggle(button.dataset.toggle));
}
for (const slider of root.querySelectorAll("[data-tone]")) {
  slider.addEventListener("input", () => tone(slider.dataset.tone, 0));
}
for (const link of document.querySelectorAll("[data-finger]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    open(Number(link.dataset.finger) - 1);
  });
}
chips.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
  chips.querySelector('[aria-pressed="true"]')?.focus();
});
document.addEventListener("keydown", (event) => {
  const native = event.key.startsWith("Arrow") && event.target.closest("input");
  if (native || !isCommand(event) || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

root.querySelector(".tools").hidden = false;
open(shown);
said.textContent = "";
