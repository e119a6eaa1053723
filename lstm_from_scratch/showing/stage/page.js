// What scenes share in a page: how one begins, a canvas that follows the page, and the roll of what
// is played, which is kept, shown as it scrolls by, and saved as MIDI.
var stagePage = (() => {
  "use strict";

  const KEPT = 65536; // steps that can be saved: 682 choruses; what is older is forgotten
  const SHOWN = 64; // steps in the picture
  const COLOURS = ["room", "rule", "text", "quiet", "chords", "melody", "wrong", "ink"];

  /** Begin every scene that is found; one that can't begin says why. */
  function begin(selector, start) {
    for (const root of document.querySelectorAll(selector)) {
      const without = root.querySelector(".without"), live = root.querySelector(".live");
      [without.hidden, live.hidden] = [true, false];
      try {
        start(root);
        // JupyterLab takes keys for its own, "b" for a new cell, unless the focused element says no.
        for (const control of root.querySelectorAll("button, input, select")) {
          control.dataset.lmSuppressShortcuts = true;
        }
      } catch (error) {
        [without.hidden, live.hidden] = [false, true];
        without.textContent = `This scene can't begin. ${error.message}`;
        console.warn(error);
      }
    }
  }

  /**
   * A canvas that follows size and colours of the page: then `draw` is called, and once by `fit`.
   * `picture` draws on it, `colours` are those of the style sheet, `ratio` its pixels to one of CSS.
   */
  function makeCanvas(root, canvas, draw) {
    const made = { picture: canvas.getContext("2d"), colours: {}, ratio: 1, fit };

    function fit() {
      made.ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * made.ratio);
      canvas.height = Math.round(canvas.clientHeight * made.ratio);
      const style = getComputedStyle(root);
      for (const name of COLOURS) made.colours[name] = style.getPropertyValue(`--${name}`).trim();
      draw();
    }
    new ResizeObserver(fit).observe(canvas);
    new MutationObserver(fit).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fit);
    return made;
  }

  const bits = (row) => row.reduce((all, on, unit) => (on ? all | (1 << unit) : all), 0);

  /**
   * What is played, step by step. A step has `when` (it is heard), `number`, `row` (its units as
   * bits), `place` (in the form) and `wrong` (its chord), and whatever else a scene wants to know
   * when it is heard.
   *
   * `write` keeps the row of a step, and as `own` the bits of it that a person plays; `put` says
   * that the step is laid out; `show` draws, and returns the step that has come to be heard.
   */
  function makeRoll(root, data, isPlaying) {
    const canvas = root.querySelector(".roll"), units = data.pitches.length;
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const history = new Uint32Array(KEPT), owned = new Uint32Array(KEPT);
    const places = new Uint16Array(KEPT); // where a step stands in the form, twice, + 1 if wrong
    let queue = [], now = null, count = 0, clock = 0;

    function write(number, row, own = 0) {
      history[number % KEPT] = row;
      owned[number % KEPT] = own;
    }

    function put(step) {
      places[step.number % KEPT] = 2 * step.place + step.wrong;
      count = step.number + 1;
      queue.push(step);
      if (queue.length > SHOWN) { // nobody looks: no frame is drawn in a tab behind others
        const old = queue.shift();
        queue[0].news ??= old.news;
      }
    }

    function clear() {
      [queue, now, count] = [[], null, 0];
    }

    /** Show what is heard at a time; `news` is told of what each step has to say. */
    function show(time, news) {
      let last = null;
      clock = time;
      while (queue.length && queue[0].when <= clock) {
        last = queue.shift();
        if (last.news) news(last.news);
      }
      if (last) {
        now = last;
        now.lasts = queue.length ? queue[0].when - now.when : 0.2;
      }
      draw();
      return last;
    }

    const view = makeCanvas(root, canvas, draw);

    function draw() {
      const { picture, colours, ratio } = view, { width, height } = canvas, gap = height / 40;
      picture.fillStyle = colours.room;
      picture.fillRect(0, 0, width, height);
      const column = width / SHOWN, row = (height - gap) / units;
      if (!now) return;
      const part = calm.matches || !isPlaying() ? 1
        : Math.max(0, Math.min(1, (clock - now.when) / now.lasts));
      const marks = []; // a colour alone is not enough
      for (let back = 0; back <= SHOWN; back++) {
        const step = now.number - back;
        if (step < 0 || step <= count - KEPT) break;
        const x = width - (back + part) * column, at = places[step % KEPT] >> 1;
        if (places[step % KEPT] & 1) {
          picture.fillStyle = colours.wrong;
          picture.fillRect(x, 0, column + 0.5, height);
          const first = step === 0 || !(places[(step - 1) % KEPT] & 1);
          if (first) marks.push(x);
        }
        if (at % data.bar === 0) {
          picture.fillStyle = colours.rule;
          picture.fillRect(x, 0, Math.max(1, at === 0 ? 3 : 1), height);
        }
        for (let unit = 0; unit < units; unit++) {
          if (!((history[step % KEPT] >>> unit) & 1)) continue;
          const low = unit < data.chords, top = (units - 1 - unit) * row + (low ? gap : 0);
          const thick = Math.max(2, row - 1);
          picture.fillStyle = low ? colours.chords : colours.melody;
          picture.fillRect(x, top, column + 0.5, thick);
          if (!((owned[step % KEPT] >>> unit) & 1)) continue;
          picture.fillStyle = colours.text; // a person's notes are framed
          picture.fillRect(x, top, column + 0.5, ratio);
          picture.fillRect(x, top + thick - ratio, column + 0.5, ratio);
        }
      }
      picture.fillStyle = colours.ink;
      picture.font = `bold ${2 * row}px system-ui, sans-serif`;
      for (const x of marks) picture.fillText("✗", x + 1, (data.names.length - data.chords) * row);
    }

    /** The rows that were heard and are still kept. */
    function rows() {
      const from = Math.max(0, count - KEPT), until = now ? now.number + 1 : 0;
      return Array.from({ length: until - from }, (_, i) => {
        const row = history[(from + i) % KEPT];
        return Array.from({ length: units }, (_, unit) => (row >>> unit) & 1);
      });
    }

    /** Hand them out as a MIDI file. */
    function save(tempo, name) {
      const all = [...Array(units).keys()];
      const parts = data.parts.map((part) => ({
        ...part,
        units: all.filter((unit) => (unit < data.chords) === (part.name === "chords")),
        struck: part.name === "chords",
      }));
      stageSound.save(stageSound.midiFile(rows(), data.pitches, parts, tempo), name);
    }

    const at = (number) => history[number % KEPT];
    const written = (row) => data.names
      .filter((_, unit) => unit >= data.chords && (row >>> unit) & 1).join(" ");

    return {
      write, put, clear, show, draw, rows, save, at, written, fit: view.fit,
      last: () => queue.at(-1), get now() { return now; },
    };
  }

  /** A form bar by bar, as a musician writes it: a symbol for each. */
  function drawBars(list, symbols) {
    list.replaceChildren(...symbols.map((symbol) => {
      const item = document.createElement("li");
      item.append(Object.assign(document.createElement("b"), { textContent: symbol }));
      return item;
    }));
  }

  /** A count and its word: "1 bar", "2 bars". */
  const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  /** What stands in a number field as a whole number within its limits; it is put there as taken. */
  function wholeNumber(input, least, most) {
    const typed = input.value.trim() === "" ? NaN : Number(input.value);
    const value = Math.min(most, Math.max(least, Math.floor(typed) || least));
    input.value = value;
    if (typed === value) return "";
    return `Expected was a whole number from ${least} to ${most}; taken is ${value}.`;
  }

  return { begin, makeCanvas, makeRoll, drawBars, bits, counted, wholeNumber };
})();
