// Pointers: one drags, two pinch and turn, the wheel zooms, a click points at something.

const CLICK = 4; // px that a pointer may move and still click
const WHEEL = 0.0016; // of a doubling for a px of the wheel

// does: move(dx, dy), zoom(factor, x, y), turn(angle, x, y), click(x, y); px of the canvas.
export function follow(canvas, does) {
  const held = new Map();
  let moved = 0;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    if (!held.size) moved = 0;
    held.set(event.pointerId, at(event));
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    held.set(event.pointerId, now);
    if (!other) {
      does.move(now[0] - before[0], now[1] - before[1]);
      return;
    }
    const [was, is] = [before, now].map((end) => [end[0] - other[0], end[1] - other[1]]);
    const length = Math.hypot(...was);
    if (length > 1) does.zoom(Math.hypot(...is) / length, ...other);
    const angle = Math.atan2(is[1], is[0]) - Math.atan2(was[1], was[0]);
    does.turn(Math.atan2(Math.sin(angle), Math.cos(angle)), ...other);
  });

  for (const ends of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(ends, (event) => {
      const clicks = ends === "pointerup" && held.size === 1 && moved <= CLICK;
      if (held.delete(event.pointerId) && clicks) does.click(...at(event));
    });
  }

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
      does.zoom(2 ** (-event.deltaY * lines * WHEEL), ...at(event));
    },
    { passive: false },
  );
}
