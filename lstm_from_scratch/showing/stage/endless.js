// Endless blues: a network that plays on and on, is watched while it does, and can be pushed.
//
// The network takes one step for every step that sounds, a tenth of a second before it does.
(() => {
  "use strict";

  function start(root) {
    const find = (what) => root.querySelector(what);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const sound = stageSound.makeSound(data.timbres);
    const performer = stageSound.makePerformer(sound, data.pitches, data.chords);
    const said = find(".said"), toggle = find(".play-pause");
    const [seed, save] = [find(".seed"), find(".save")];
    const value = (name) => Number(find(`.${name}`).value);
    const length = data.form.length;
    const chordMask = 2 ** data.chords - 1;

    const network = stageEngine.makeNetwork(data.plan, data.weights);
    const roll = stagePage.makeRoll(root, data, () => transport.playing);
    let player, played, shift, clean, lost, fits, frame = 0;

    // ---- Music ---------------------------------------------------------------------------------

    function begin() {
      network.clear();
      network.setState(
        stageEngine.floats(data.state.cell_state), stageEngine.floats(data.state.cell_output));
      const given = Float64Array.from(data.given);
      player = stageEngine.makePlayer(network, Number(seed.value), given);
      [played, shift, clean, lost, fits] = [0, 0, 0, false, []];
      roll.clear();
      showNothing();
    }

    const chordsAt = (step) => roll.at(step) & chordMask;
    const place = (step) => (((step + shift) % length) + length) % length;

    function next(when) {
      const row = Float64Array.from(player.sounding);
      roll.write(played, stagePage.bits(row));
      if (!player.step(value("temperature"))) {
        say("No note can be drawn from the melody any more. Choose a new seed.");
        return false;
      }
      performer.perform(row, when);
      const step = {
        when, number: played, row: roll.at(played), place: place(played),
        wrong: chordsAt(played) !== data.form[place(played)],
        gates: network.voices.map((voice) => Float64Array.from(voice.gates)),
        states: network.voices.map((voice) => Float64Array.from(voice.state)),
      };
      keepCount(step);
      roll.put(step);
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
      const count = stagePage.counted;
      return [bars && count(bars, "bar"), rest && count(rest, "step")].filter(Boolean).join(" and ");
    }

    function isTaught(step) {
      const heard = Array.from({ length: data.bar }, (_, i) => {
        return roll.at(played - data.bar + 1 + i) >>> data.chords;
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

    /** As before the first step. */
    function showNothing() {
      const words = {
        ".now .chord": "–", ".now .pitch": "", ".now .where": "",
        ".clean": "0", ".fits": "–", ".heard": "0",
      };
      for (const [what, text] of Object.entries(words)) find(what).textContent = text;
      drawCells(network.voices.map((it) => it.gates), network.voices.map((it) => it.state));
      save.disabled = true;
    }

    function showStep(step) {
      const { place: at, row } = step;
      const chorus = Math.floor(step.number / length) + 1;
      const beat = Math.floor((at % data.bar) / 2) + 1;
      find(".now .chord").textContent = step.wrong ? "✗ not the form's chord"
        : data.symbols[bar(at) - 1];
      find(".now .pitch").textContent = roll.written(row);
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

    function show() {
      if (!sound.context) return;
      const last = roll.show(sound.heardNow(), say);
      if (last) showStep(last);
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

    function sync() {
      root.dataset.playing = transport.playing;
      toggle.querySelector("b").textContent = transport.playing ? "Stop" : "Play";
      cancelAnimationFrame(frame);
      if (transport.playing) frame = requestAnimationFrame(animate);
      else show();
    }

    stageSound.playBy(toggle, { root, transport, sound, say, sync, again: "Play to go on" });

    function anew() {
      say(stagePage.wholeNumber(seed, 0, 4294967295) || `From the beginning, with seed ${seed.value}.`);
      if (sound.context) performer.rest(sound.context.currentTime);
      begin();
      roll.draw();
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

    save.addEventListener("click", () => roll.save(value("tempo"), `blues-${seed.value}.mid`));

    seed.value = data.seed;
    begin();
    roll.fit();
    root.dataset.playing = false;
    // For tests, and for who looks under the bonnet.
    root.stage = {
      sound, transport, network, rows: roll.rows, next, at: () => played, last: roll.last,
      tempo: () => value("tempo"), swing: () => value("swing"), get player() { return player; },
    };
  }

  stagePage.begin(".stage.endless:not([data-playing])", start);
})();
