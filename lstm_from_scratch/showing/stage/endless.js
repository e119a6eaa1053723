// Endless blues: a network that plays on and on, is watched while it does, and can be pushed.
//
// The network takes one step for every step that sounds, a tenth of a second before it does.
(() => {
  "use strict";

  const KEPT = 65536; // steps that can be saved: 682 choruses; what is older is forgotten
  const SHOWN = 64; // steps in the picture

  function start(root) {
    const find = (what) => root.querySelector(what);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const sound = stageSound.makeSound(data.timbres);
    const performer = stageSound.makePerformer(sound, data.pitches, data.chords);
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const canvas = find(".roll"), said = find(".said"), toggle = find(".play-pause");
    const [seed, save] = [find(".seed"), find(".save")];
    const value = (name) => Number(find(`.${name}`).value);
    const length = data.form.length, units = data.pitches.length;
    const chordMask = 2 ** data.chords - 1;

    const network = stageEngine.makeNetwork(data.plan, data.weights);
    const history = new Uint32Array(KEPT); // the units of a step as bits
    const places = new Uint16Array(KEPT); // where it stands in the form, twice, + 1 if it is wrong
    let player, played, shift, clean, lost, fits;
    let queue = [], now = null, frame = 0;

    // ---- Music ---------------------------------------------------------------------------------

    function begin() {
      network.clear();
      network.setState(
        stageEngine.floats(data.state.cell_state), stageEngine.floats(data.state.cell_output));
      const given = Float64Array.from(data.given);
      player = stageEngine.makePlayer(network, Number(seed.value), given);
      [played, shift, clean, lost, fits, queue, now] = [0, 0, 0, false, [], [], null];
      save.disabled = true;
    }

    const bits = (row) => row.reduce((all, on, unit) => (on ? all | (1 << unit) : all), 0);
    const chordsAt = (step) => history[step % KEPT] & chordMask;
    const place = (step) => (((step + shift) % length) + length) % length;

    function next(when) {
      const row = Float64Array.from(player.sounding);
      history[played % KEPT] = bits(row);
      if (!player.step(value("temperature"))) {
        say("No note can be drawn from the melody any more. Choose a new seed.");
        return false;
      }
      performer.perform(row, when);
      const step = {
        when, number: played, row: history[played % KEPT], place: place(played),
        wrong: chordsAt(played) !== data.form[place(played)],
        gates: network.voices.map((voice) => Float64Array.from(voice.gates)),
        states: network.voices.map((voice) => Float64Array.from(voice.state)),
      };
      keepCount(step);
      places[played % KEPT] = 2 * step.place + step.wrong;
      queue.push(step);
      if (queue.length > SHOWN) { // nobody looks: no frame is drawn in a tab behind others
        const old = queue.shift();
        queue[0].news ??= old.news;
      }
      played++;
      return true;
    }

    /** How long the chords have been right, and whether they are right at another place. */
    function keepCount(step) {
      if (step.wrong) {
        if (!lost) step.news = `A wrong chord in bar ${bar(step.place)}.`;
        [clean, lost] = [0, true];
      } else {
        clean++;
      }
      if (lost && clean >= length) {
        lost = false;
        step.news = "A whole chorus without a wrong chord: it is back in its place.";
      } else if (lost && played >= length - 1) {
        const other = displaced();
        if (other) {
          shift = (shift + other) % length;
          [clean, lost, step.place, step.wrong] = [length, false, place(played), false];
          const [far, way] = other > length / 2 ? [length - other, "late"] : [other, "early"];
          step.news = `It plays the whole form again, but ${distance(far)} too ${way}. ` +
            "From now on its bars are counted from there.";
        }
      }
      if (step.place % data.bar === data.bar - 1 && played >= data.bar - 1) fits.push(isTaught(step));
      if (fits.length > 12) fits.shift();
      Object.assign(step, { clean, fits: fits.filter(Boolean).length, bars: fits.length });
    }

    /** By how many steps the last chorus is the form as it should be later; 0 if it is not. */
    function displaced() {
      for (let other = 1; other < length; other++) {
        let same = true;
        for (let back = 0; same && back < length; back++) {
          same = chordsAt(played - back) === data.form[(place(played - back) + other) % length];
        }
        if (same) return other;
      }
      return 0;
    }

    function distance(steps) {
      const bars = Math.floor(steps / data.bar), rest = steps % data.bar;
      const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
      return [bars && count(bars, "bar"), rest && count(rest, "step")].filter(Boolean).join(" and ");
    }

    function isTaught(step) {
      const heard = Array.from({ length: data.bar }, (_, i) => {
        return history[(played - data.bar + 1 + i) % KEPT] >>> data.chords;
      });
      return data.segments[Math.floor(step.place / data.bar)].some(
        (segment) => segment.every((unit, i) => heard[i] === 1 << unit));
    }

    const bar = (place) => Math.floor(place / data.bar) + 1;

    // ---- What is seen --------------------------------------------------------------------------

    function say(words) {
      said.textContent = words;
    }

    const cells = network.voices.map((voice, number) => drawVoice(voice, number));

    function add(parent, name, className, words = "") {
      const element = document.createElement(name);
      element.className = className;
      element.textContent = words;
      return parent.appendChild(element);
    }

    /** The blocks of a voice: three gates, and cells that can be pushed. */
    function drawVoice(voice, number) {
      const { name, cells: numbers, shape } = data.plan.voices[number];
      const set = add(find(".voices"), "fieldset", `voice ${name}`);
      add(set, "legend", "", `${name[0].toUpperCase()}${name.slice(1)}: gates and cells`);
      const blocks = add(set, "div", "blocks");
      const first = data.firstBlock[number];
      const shown = { gates: [], cells: [] };
      for (let b = 0; b < shape.blocks; b++) {
        const block = add(blocks, "div", "block");
        add(block, "span", "name", `Block ${first + b}`);
        const gates = add(block, "span", "gates");
        gates.title = "Input, forget and output gate";
        ["input", "forget", "output"].forEach((gate, kind) => {
          shown.gates[kind * shape.blocks + b] = add(add(gates, "span", `gate ${gate}`), "i", "");
        });
        for (let k = 0; k < shape.cells; k++) {
          const at = k * shape.blocks + b;
          if (numbers[at] < 0) continue;
          const button = add(block, "button", "cell");
          button.type = "button";
          button.setAttribute("aria-label", `Push cell ${k + 1} of block ${first + b}, ${name}`);
          shown.cells[at] = { button, bar: add(button, "i", ""), number: numbers[at] };
          const push = (direction) => pushed(voice, at, numbers[at], direction,
            `cell ${k + 1} of block ${first + b}`);
          button.addEventListener("click", (event) => {
            const box = button.getBoundingClientRect();
            // A press of a key has no place: it pushes up.
            push(event.detail === 0 || event.clientY < box.top + box.height / 2 ? 1 : -1);
          });
          button.addEventListener("keydown", (event) => {
            const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
            if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            if (!event.repeat) push(direction);
          });
        }
      }
      return shown;
    }

    function pushed(voice, at, number, direction, name) {
      if (!player.heard) return say("Press Play first: then there is something to push.");
      voice.state[at] += direction * value("size") * data.spread[number];
      say(`Pushed ${name} ${direction > 0 ? "up" : "down"}.`);
      drawCells(network.voices.map((it) => it.gates), network.voices.map((it) => it.state));
    }

    function drawCells(gates, states) {
      cells.forEach((shown, number) => {
        shown.gates.forEach((it, i) => (it.style.height = `${100 * gates[number][i]}%`));
        shown.cells.forEach(({ button, bar, number: cell }, at) => {
          const reach = states[number][at] / data.reach[cell];
          const part = Math.min(1, Math.abs(reach));
          bar.style.height = `${50 * part}%`;
          bar.style.top = reach > 0 ? `${50 - 50 * part}%` : "50%";
          button.title = states[number][at].toFixed(2);
          button.classList.toggle("beyond", Math.abs(reach) > 1);
        });
      });
    }

    function showStep(step) {
      const { place: at, row } = step;
      const chorus = Math.floor(step.number / length) + 1;
      const beat = Math.floor((at % data.bar) / 2) + 1;
      find(".now .chord").textContent = step.wrong ? "✗ not the form's chord"
        : data.symbols[bar(at) - 1];
      find(".now .pitch").textContent = data.names
        .filter((_, unit) => unit >= data.chords && (row >>> unit) & 1).join(" ");
      find(".now .where").textContent =
        `chorus ${chorus}, bar ${bar(at)}, beat ${beat}${at % 2 ? "½" : ""}`;
      find(".clean").textContent = Math.floor(step.clean / length);
      find(".fits").textContent = step.bars < 12 ? "–" : step.fits;
      find(".heard").textContent = Math.floor((step.number + 1) / length);
      if (step.news) say(step.news);
      drawCells(step.gates, step.states);
      root.dataset.step = step.number;
      save.disabled = false;
    }

    const picture = canvas.getContext("2d");
    let colours = {};

    function fit() {
      const ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = canvas;
      canvas.width = Math.round(clientWidth * ratio);
      canvas.height = Math.round(clientHeight * ratio);
      const style = getComputedStyle(root);
      for (const name of ["room", "rule", "text", "chords", "melody", "wrong", "ink"]) {
        colours[name] = style.getPropertyValue(`--${name}`).trim();
      }
      draw();
    }

    function draw() {
      const { width, height } = canvas, gap = height / 40;
      picture.fillStyle = colours.room;
      picture.fillRect(0, 0, width, height);
      const column = width / SHOWN, row = (height - gap) / units;
      if (!now) return;
      const clock = sound.context.currentTime - (sound.context.outputLatency || 0);
      const part = calm.matches || !transport.playing ? 1
        : Math.max(0, Math.min(1, (clock - now.when) / now.lasts));
      const marks = []; // a colour alone is not enough
      for (let back = 0; back <= SHOWN; back++) {
        const step = now.number - back;
        if (step < 0 || step <= played - KEPT) break;
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
          picture.fillStyle = low ? colours.chords : colours.melody;
          picture.fillRect(x, top, column + 0.5, Math.max(2, row - 1));
        }
      }
      picture.fillStyle = colours.ink;
      picture.font = `bold ${2 * row}px system-ui, sans-serif`;
      for (const x of marks) picture.fillText("✗", x + 1, (data.names.length - data.chords) * row);
    }

    function show() {
      if (!sound.context) return;
      const clock = sound.context.currentTime - (sound.context.outputLatency || 0);
      let last = null;
      while (queue.length && queue[0].when <= clock) {
        last = queue.shift();
        if (last.news) say(last.news);
      }
      if (last) {
        now = last;
        now.lasts = queue.length ? queue[0].when - now.when : 0.2;
        showStep(now);
      }
      draw();
    }

    function animate() {
      show();
      if (transport.playing) frame = requestAnimationFrame(animate);
    }

    // ---- What the reader does ------------------------------------------------------------------

    const transport = stageSound.makeTransport({
      sound, next, at: () => played,
      tempo: () => value("tempo"), swing: () => value("swing"),
      stopped: () => {
        performer.rest(sound.context.currentTime);
        sync();
      },
    });

    const takeTurn = stageSound.takeTurns(root, transport);

    function sync() {
      root.dataset.playing = transport.playing;
      toggle.querySelector("b").textContent = transport.playing ? "Stop" : "Play";
      cancelAnimationFrame(frame);
      if (transport.playing) frame = requestAnimationFrame(animate);
      else show();
    }

    toggle.addEventListener("click", async () => {
      if (transport.playing) return transport.stop();
      try {
        takeTurn();
        await transport.play();
        say(sound.note);
      } catch (error) {
        say(error.message);
      }
      sync();
    });
    sound.changed = (state) => {
      if (state === "running" || !transport.playing) return;
      transport.stop();
      say("The browser has stopped the sound. Press Play to go on.");
    };

    function anew() {
      const whole = Math.min(4294967295, Math.max(0, Math.floor(Number(seed.value)) || 0));
      if (String(whole) !== seed.value) {
        say(`A seed is a whole number from 0 to 4294967295; taken is ${whole}.`);
      }
      seed.value = whole;
      if (sound.context) performer.rest(sound.context.currentTime);
      begin();
      draw();
    }

    seed.addEventListener("change", anew);
    find(".new").addEventListener("click", () => {
      seed.value = Math.floor(Math.random() * 1000000);
      anew();
    });
    for (const button of root.querySelectorAll(".part")) {
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        sound.mute(button.dataset.part, !on);
      });
    }
    for (const slider of root.querySelectorAll(".sliders input")) {
      slider.addEventListener("input", () => {
        slider.nextElementSibling.textContent = slider.value;
      });
    }

    /** The rows that were played and are still kept. */
    function rows() {
      const from = Math.max(0, played - KEPT), until = now ? now.number + 1 : 0;
      return Array.from({ length: until - from }, (_, i) => {
        const row = history[(from + i) % KEPT];
        return Array.from({ length: units }, (_, unit) => (row >>> unit) & 1);
      });
    }

    function midi() {
      const all = [...Array(units).keys()];
      const parts = data.parts.map((part) => ({
        ...part,
        units: all.filter((unit) => (unit < data.chords) === (part.name === "chords")),
        struck: part.name === "chords",
      }));
      return stageSound.midiFile(rows(), data.pitches, parts, value("tempo"));
    }
    save.addEventListener("click", () => stageSound.save(midi(), `blues-${seed.value}.mid`));

    // JupyterLab takes keys for its own, "b" for a new cell, unless the focused element says no.
    for (const control of root.querySelectorAll("button, input, select")) {
      control.dataset.lmSuppressShortcuts = true;
    }
    seed.value = data.seed;
    begin();
    find(".without").hidden = true;
    find(".live").hidden = false;
    new ResizeObserver(fit).observe(canvas);
    new MutationObserver(fit).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fit);
    fit();
    drawCells(network.voices.map((it) => it.gates), network.voices.map((it) => it.state));
    root.dataset.playing = false;
    // For tests, and for who looks under the bonnet.
    root.stage = {
      sound, transport, network, rows, next, at: () => played, last: () => queue.at(-1),
      tempo: () => value("tempo"), swing: () => value("swing"), get player() { return player; },
    };
  }

  for (const root of document.querySelectorAll(".stage.endless:not([data-playing])")) start(root);
})();
