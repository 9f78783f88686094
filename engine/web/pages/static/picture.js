// Pictures: fetched when they are first wanted, and shown in the tone that was asked for.

export class Picture {
  #address;
  #changed;
  #pixels = null; // as they came
  #sheet = null; // as they are shown
  #tone = "";
  #asked = false;
  failed = false;

  // changed: called when it has come, or cannot be had.
  constructor(address, changed) {
    this.#address = address;
    this.#changed = changed;
  }

  // What to draw, in this tone; null as long as there is nothing.
  sheet(tone) {
    if (!this.#asked) this.#fetch();
    if (!this.#pixels) return null;
    const key = JSON.stringify(tone);
    if (key !== this.#tone) this.#redraw(tone, key);
    return this.#sheet;
  }

  async #fetch() {
    this.#asked = true;
    try {
      const image = new Image();
      image.src = this.#address;
      await image.decode();
      this.#sheet = document.createElement("canvas");
      this.#sheet.width = image.naturalWidth;
      this.#sheet.height = image.naturalHeight;
      const pen = this.#sheet.getContext("2d", { willReadFrequently: true });
      pen.drawImage(image, 0, 0);
      this.#pixels = pen.getImageData(0, 0, this.#sheet.width, this.#sheet.height);
    } catch {
      this.failed = true;
    }
    this.#changed();
  }

  #redraw(tone, key) {
    const table = levels(tone);
    const toned = new ImageData(
      this.#pixels.data.map((level, at) => (at % 4 === 3 ? level : table[level])),
      this.#pixels.width,
    );
    this.#sheet.getContext("2d").putImageData(toned, 0, 0);
    this.#tone = key;
  }
}

// What each gray level becomes. brightness, contrast: -100..100, 0 as it came.
function levels({ brightness, contrast, inverted }) {
  const slope = contrast < 0 ? 1 + contrast / 125 : 1 + contrast / 25;
  return Uint8ClampedArray.from({ length: 256 }, (_, level) => {
    const given = inverted ? 255 - level : level;
    return (given - 128) * slope + 128 + 1.28 * brightness;
  });
}
