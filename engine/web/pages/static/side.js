// A side: one print on its canvas.

import { draw, faint, hue, kindColour } from "./marks.js";
import { Picture } from "./picture.js";
import { View } from "./view.js";

const MARGIN = 45; // px of the print around its minutiae, at first
const NUMBERED = 16; // pairs that always have their number; the others from this scale on
const CLOSE = 1.5;
const NEAR = 18; // px of the canvas: a click this near to a minutia means it
const UNPAIRED = 0.75; // size of what has no partner, among pairs

export class Side {
  // about: of the print, as prints.py describes it. name: "probe" or "candidate". addresses: of
  // its pictures by view. pairs: of the finger. redraw: called when a picture has come.
  constructor(canvas, about, name, addresses, pairs, redraw) {
    Object.assign(this, { canvas, about, name, pairs, view: new View() });
    this.column = name === "probe" ? 0 : 1;
    this.pictures = Object.fromEntries(
      Object.entries(addresses).map(([view, address]) => [view, new Picture(address, redraw)]),
    );
    this.fitted = false;
  }

  // Takes the size that the page gives the canvas; the first one is filled.
  measure() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const dense = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * dense, height: height * dense });
    Object.assign(this.view, { width, height });
    if (!this.fitted) this.fit();
  }

  // Shows the part that has minutiae, as large as it fits.
  fit() {
    const { minutiae, width, height } = this.about;
    const frame = [0, 0, width, height];
    if (minutiae.length > 3) {
      const [x, y] = [0, 1].map((at) => minutiae.map((each) => each[at]));
      frame[0] = Math.max(0, Math.min(...x) - MARGIN);
      frame[1] = Math.max(0, Math.min(...y) - MARGIN);
      frame[2] = Math.min(width, Math.max(...x) + MARGIN);
      frame[3] = Math.min(height, Math.max(...y) + MARGIN);
    }
    this.view.fit(frame);
    this.fitted = true;
  }

  // Brings its minutia of a pair into the middle.
  seek(number, scale) {
    const [x, y] = this.about.minutiae[this.pairs[number][this.column]];
    this.view.centre(x, y, scale);
  }

  // The pair whose minutia is at that place of the canvas, -1 for none.
  pairAt(across, down) {
    const far = this.pairs.map((pair) => {
      const [x, y] = this.about.minutiae[pair[this.column]];
      const [left, top] = this.view.place(x, y);
      return Math.hypot(left - across, top - down);
    });
    const least = Math.min(...far);
    return least <= NEAR ? far.indexOf(least) : -1;
  }

  // Draws what is to be seen. shows: {tone, enhanced, minutiae, pairs, chosen}.
  draw(shows) {
    const pen = this.canvas.getContext("2d");
    const dense = window.devicePixelRatio || 1;
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.fillStyle = "#e4e8ed";
    pen.fillRect(0, 0, this.view.width, this.view.height);
    const seen = this.#paper(pen, shows, dense);
    this.#marks(pen, shows);
    const { scale, angle, x, y } = this.view;
    Object.assign(this.canvas.dataset, {
      scale: scale.toFixed(3),
      angle: ((angle * 180) / Math.PI).toFixed(1),
      x: x.toFixed(1),
      y: y.toFixed(1),
      seen,
    });
  }

  // The print without its marks; gives what it is seen as: a view, "coming", "missing" or "none".
  #paper(pen, { tone, enhanced }, dense) {
    const { x, y, scale, angle, width, height } = this.view;
    const wanted = enhanced ? "enhanced" : "original";
    const picture = this.pictures[wanted];
    const sheet = picture?.sheet(tone);
    pen.translate(width / 2, height / 2);
    pen.rotate(angle);
    pen.scale(scale, scale);
    pen.translate(-x, -y);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, this.about.width, this.about.height);
    pen.imageSmoothingQuality = "high";
    if (sheet) pen.drawImage(sheet, 0, 0, this.about.width, this.about.height);
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    if (sheet) return wanted;
    return !picture ? "none" : picture.failed ? "missing" : "coming";
  }

  #marks(pen, { minutiae, pairs, chosen }) {
    const all = this.about.minutiae;
    const own = this.pairs.map((pair) => pair[this.column]);
    if (minutiae || !this.about.image) {
      const paired = new Set(pairs ? own : []);
      all.forEach((each, index) => {
        if (paired.has(index)) return;
        const colour = pairs ? faint : kindColour(each);
        draw(pen, this.view, each, colour, { size: pairs ? UNPAIRED : 1 });
      });
    }
    if (!pairs) return;
    for (let number = own.length - 1; number >= 0; number -= 1) { // the best on top
      if (number !== chosen) this.#pair(pen, own[number], number, false);
    }
    if (chosen >= 0) this.#pair(pen, own[chosen], chosen, true);
  }

  #pair(pen, index, number, chosen) {
    const says = chosen || number < NUMBERED || this.view.scale >= CLOSE;
    const label = says ? String(number + 1) : "";
    draw(pen, this.view, this.about.minutiae[index], hue(number), { label, chosen });
  }
}
