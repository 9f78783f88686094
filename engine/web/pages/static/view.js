// A view: which part of a print is seen, how large, and how far turned.
// x, y: px of the print in the middle of the canvas; scale: px of the canvas for one of the print;
// angle: radians, clockwise as seen.

export const SMALLEST = 0.1;
export const LARGEST = 16;

export class View {
  constructor() {
    Object.assign(this, { x: 0, y: 0, scale: 1, angle: 0, width: 1, height: 1 });
  }

  // Shows a box of the print (left, top, right, bottom) as large as it fits, upright.
  fit([left, top, right, bottom]) {
    this.angle = 0;
    this.x = (left + right) / 2;
    this.y = (top + bottom) / 2;
    this.scale = bound(Math.min(this.width / (right - left), this.height / (bottom - top)));
  }

  // Where a place of the print is on the canvas.
  place(x, y) {
    const [dx, dy] = rotate(x - this.x, y - this.y, this.angle);
    return [this.width / 2 + dx * this.scale, this.height / 2 + dy * this.scale];
  }

  // Which place of the print is there on the canvas.
  find(across, down) {
    const [dx, dy] = rotate(across - this.width / 2, down - this.height / 2, -this.angle);
    return [this.x + dx / this.scale, this.y + dy / this.scale];
  }

  // Moves what is seen by px of the canvas.
  move(across, down) {
    const [dx, dy] = rotate(across, down, -this.angle);
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
  }

  // Makes it larger by a factor; what lies at that place of the canvas stays there.
  zoom(factor, across = this.width / 2, down = this.height / 2) {
    const [x, y] = this.find(across, down);
    this.scale = bound(this.scale * factor);
    this.#keep(x, y, across, down);
  }

  // Turns it by an angle about a place of the canvas.
  turn(angle, across = this.width / 2, down = this.height / 2) {
    const [x, y] = this.find(across, down);
    this.angle = Math.atan2(Math.sin(this.angle + angle), Math.cos(this.angle + angle));
    this.#keep(x, y, across, down);
  }

  // Brings a place of the print into the middle, at that scale at least.
  centre(x, y, scale) {
    Object.assign(this, { x, y, scale: Math.max(this.scale, scale) });
  }

  #keep(x, y, across, down) {
    const [nowAcross, nowDown] = this.place(x, y);
    this.move(across - nowAcross, down - nowDown);
  }
}

const bound = (scale) => Math.min(LARGEST, Math.max(SMALLEST, scale));

function rotate(x, y, angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [x * cos - y * sin, x * sin + y * cos];
}
