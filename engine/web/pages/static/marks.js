// Marks: minutiae as the report draws them. Endings are rings, bifurcations diamonds; the tail
// shows the direction, from the minutia back along the ridge.

const BIFURCATION = 2;
const KINDS = { 0: "#6d5bd0", 1: "#0a66c2", 2: "#d6336c" };
const FAINT = [148, 163, 184];
const RADIUS = 3.6; // px of the print, as the tail
const TAIL = 10;
const SIZES = [1.15, 2.2]; // px of the canvas for one of those, at least and at most
const GOLDEN = 0.381966; // of a turn: neighbours in a row of hues differ as much as can be

// The colour of the pair of this number, 0 the first: all as dark, so that each is read on white.
export const hue = (number) => `oklch(48% 0.16 ${(250 + 360 * number * GOLDEN) % 360})`;
export const faint = `rgb(${FAINT})`;

// The colour of a minutia's kind, paler the less sure it is.
export function kindColour([, , , kind, quality]) {
  const share = 0.3 + (0.7 * quality) / 100;
  const parts = [1, 3, 5].map((at) => parseInt(KINDS[kind].slice(at, at + 2), 16));
  return `rgb(${parts.map((part, at) => Math.round(part * share + FAINT[at] * (1 - share)))})`;
}

// Draws a minutia on a white halo; a label stands where its tail leaves room.
export function draw(pen, view, minutia, colour, { size = 1, label = "", chosen = false } = {}) {
  const [x, y] = view.place(minutia[0], minutia[1]);
  if (x < -40 || y < -40 || x > view.width + 40 || y > view.height + 40) return;
  const unit = size * Math.min(SIZES[1], Math.max(SIZES[0], view.scale));
  const radius = RADIUS * unit;
  const turned = minutia[2] - view.angle;
  const [across, down] = [Math.cos(turned), -Math.sin(turned)];
  const path = new Path2D();
  if (minutia[3] === BIFURCATION) {
    const reach = 1.25 * radius;
    const corners = [[0, -1], [1, 0], [0, 1], [-1, 0]];
    corners.forEach(([right, low]) => path.lineTo(x + right * reach, y + low * reach));
    path.closePath();
  } else {
    path.arc(x, y, radius, 0, 2 * Math.PI);
  }
  path.moveTo(x + across * radius, y + down * radius);
  path.lineTo(x + across * TAIL * unit, y + down * TAIL * unit);
  if (chosen) stroke(pen, ring(x, y, 2.6 * radius), colour, 2.5);
  stroke(pen, path, colour, 1.1 * Math.max(1, unit * 0.9));
  if (label) write(pen, label, x - across * 2.7 * radius, y - down * 2.7 * radius, colour, chosen);
}

function ring(x, y, radius) {
  const path = new Path2D();
  path.arc(x, y, radius, 0, 2 * Math.PI);
  return path;
}

function stroke(pen, path, colour, width) {
  for (const [shade, wide] of [["rgb(255 255 255 / 0.9)", width + 2.4], [colour, width]]) {
    pen.strokeStyle = shade;
    pen.lineWidth = wide;
    pen.stroke(path);
  }
}

function write(pen, words, x, y, colour, chosen) {
  pen.font = `700 ${chosen ? 16 : 13}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 3.5;
  pen.strokeStyle = "#fff";
  pen.strokeText(words, x, y);
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
}
