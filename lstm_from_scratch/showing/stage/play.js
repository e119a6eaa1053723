// Play with it: a person plays one voice, the network the other, in time with a click.
//
// A step is complete half a step after it has begun: by then all that a person plays on it, a
// little early or late, has come. The network hears it then, and its next notes are laid out half
// a step before they sound. A person's own notes sound at once.
(() => {
  "use strict";

  const FOUR = 4; // bars before the other one plays
  const LEAST = 0.03; // seconds in which a step is laid out, however short it is
  const CLICKS = [88, 81]; // pitches: the first beat of a bar, the others
  const MANY = 16; // last notes of which a middle is shown

  function start(root) {
    const find = (what) => root.querySelector(what);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const sound = stageSound.makeSound(data.timbres);
    const performer = stageSound.makePerformer(sound, data.pitches, data.chords);
    const [said, toggle, save, seed] = [find(".said"), find(".play-pause"), find(".save"), find(".seed")];
    const [role, fours, bars] = [find(".role"), find(".fours"), find(".bars")];
    const value = (name) => Number(find(`.${name}`).value);
    const length = data.form.length, units = data.pitches.length;
    const chordMask = 2 ** data.chords - 1;

    const network = stageEngine.makeNetwork(data.plan, data.weights);
    const roll = stagePage.makeRoll(root, data, () => transport.playing);
    const symbols = new Map(Object.entries(data.spelled).map(
      ([symbol, chord]) => [chord.reduce((all, unit) => all | (1 << unit), 0), symbol]));
    let player, grid, played, counting = 0, before = 0, lasting = 0, open = false, astray = false;
    let voice = role.value, frame = 0, beats = [], delays = [], offs = [];

    // ---- Music ---------------------------------------------------------------------------------

    function begin() {
      network.clear();
      network.setState(
        stageEngine.floats(data.state.cell_state), stageEngine.floats(data.state.cell_output));
      player = stageEngine.makePlayer(network, Number(seed.value), Float64Array.from(data.given));
      [played, open, astray] = [0, false, false];
      roll.clear();
      grid = makeGrid();
      showNothing();
    }

    const makeGrid = () => stageHands.makeGrid(voice === "melody");
    const first = () => (voice === "melody" ? data.chords : 0);
    const last = () => (voice === "melody" ? units : data.chords);
    const mine = (unit) => unit >= first() && unit < last();
    const yours = (step) => !fours.checked || Math.floor(step / (FOUR * data.bar)) % 2 === 0;
    const bar = (place) => Math.floor(place / data.bar) + 1;

    function next(when, lasts) {
      const got = grid.close((before + when) / 2);
      if (open) take(got, before);
      [before, lasting] = [when, lasts];
      if (counting) return countIn(when);
      if (played && !player.step(value("temperature"))) {
        say("No note can be drawn from the melody any more. Choose a new seed.");
        return false;
      }
      if (fours.checked && played % (FOUR * data.bar) === 0) grid.forget();
      const you = yours(played), row = player.sounding.map((on, unit) => (you && mine(unit) ? 0 : on));
      performer.perform(row, when);
      click(played, when);
      roll.write(played, stagePage.bits(row));
      const at = played % length, chords = roll.at(played) & chordMask;
      const wrong = !(you && voice === "chords") && chords !== data.form[at];
      const news = wrong && !astray ? `The network plays another chord than the form in bar ${bar(at)}.` : "";
      roll.put({ when, number: played, row: roll.at(played), place: at, wrong, you, news });
      [open, astray, played] = [true, wrong, played + 1];
      return true;
    }

    /** A bar of clicks, before the first step and whenever the music goes on. */
    function countIn(when) {
      const step = data.bar - counting--;
      click(step, when);
      if (step % 2 === 0) beats.push({ when, words: `${step / 2 + 1}` });
      return true;
    }

    function click(step, when) {
      if (step % 2) return;
      const pitch = CLICKS[step % data.bar ? 1 : 0];
      sound.strike("click", pitch, when).end(when + 0.04);
    }

    /** What a person has played on the step that is over: the network hears it. */
    function take({ struck, sounding, heard }, when) {
      const number = played - 1;
      open = false;
      if (!yours(number)) return;
      const own = sounding.reduce((all, unit) => all | (1 << (first() + unit)), 0);
      roll.write(number, roll.at(number) | own, own);
      if (heard) {
        for (let unit = first(); unit < last(); unit++) {
          player.sounding[unit] = heard.includes(unit - first()) ? 1 : 0;
        }
      }
      offs = [...offs, ...struck.map(({ time }) => time - when)].slice(-MANY);
      if (offs.length) showOff(Math.round(1000 * middle(offs)));
    }

    // ---- Hands ---------------------------------------------------------------------------------

    const hands = stageHands.makeHands({
      grid: () => grid,
      crowd: () => sound.sounding,
      say,
      clock: (late) => (sound.context ? sound.heardNow() - late : 0),
      sounds: (unit) => {
        if (sound.context?.state !== "running") { // a press is what it waits for
          sound.start().then(() => sound.note && say(sound.note));
        }
        return sound.strike(voice, data.pitches[first() + unit], sound.context.currentTime);
      },
      seen: (held) => {
        showPads(held);
        if (held.size) wake();
        if (!transport.playing) grid.close(Infinity); // on no step
      },
    });

    function press(source, pressed, late = 0) {
      hands.press(source, pressed, late);
      const { baseLatency = 0, outputLatency = 0 } = sound.context;
      delays = [...delays, late + baseLatency + outputLatency].slice(-MANY);
      if (!sound.note) find(".latency").textContent = Math.round(1000 * middle(delays));
    }

    const middle = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

    /** The unit of a pitch: its own, or that of the same note in another octave. */
    function unitOf(pitch) {
      const own = data.pitches.slice(first(), last());
      const found = own.indexOf(pitch);
      return found >= 0 ? found : own.findIndex((it) => it % 12 === pitch % 12);
    }

    const BLACK = [1, 3, 6, 8, 10];
    const CODES = [..."AWSEDFTGYHUJK"].map((letter) => `Key${letter}`);

    function addPad(parent, words, pressed, code) {
      const pad = document.createElement("button");
      pad.type = "button";
      pad.className = "pad";
      Object.assign(pad.dataset, { units: pressed.join(" "), code, lmSuppressShortcuts: true });
      pad.append(
        Object.assign(document.createElement("span"), { textContent: words }),
        document.createElement("kbd"));
      parent.append(pad);
      return pad;
    }

    /** A button for each chord of the form, if chords are yours, and one for each note. */
    function drawPads() {
      const [chosen, keys] = [find(".chosen"), find(".keys")];
      for (const it of [chosen, keys]) it.replaceChildren();
      chosen.hidden = role.value !== "chords";
      if (!chosen.hidden) {
        Object.entries(data.spelled).forEach(([symbol, chord], i) =>
          addPad(chosen, symbol, chord, `Digit${i + 1}`));
      }
      let column = 1;
      data.pitches.slice(first(), last()).forEach((pitch, unit) => {
        const pad = addPad(keys, data.names[first() + unit], [unit], CODES[unit]);
        const black = BLACK.includes(pitch % 12);
        pad.classList.toggle("black", black);
        pad.classList.toggle("taught", data.scale.includes(pitch));
        pad.style.gridColumn = `${black ? column - 1 : column} / span 2`;
        if (!black) column += 2;
      });
      stageHands.nameKeys(root);
    }

    function showPads(held) {
      const down = new Set([...held.values()].flatMap((it) => it.units));
      for (const pad of root.querySelectorAll(".pad")) {
        pad.classList.toggle("down", pad.dataset.units.split(" ").every((unit) => down.has(Number(unit))));
      }
    }

    // ---- What is seen --------------------------------------------------------------------------

    function say(words) {
      said.textContent = words;
    }

    function showOff(late) {
      find(".off").textContent = Math.abs(late);
      find(".side").textContent = late < 0 ? "before" : "after";
    }

    /** As before the first step. */
    function showNothing() {
      const words = {
        ".turn": "–", ".now .chord": "", ".now .pitch": "", ".now .where": "", ".heard": "0",
      };
      for (const [what, text] of Object.entries(words)) find(what).textContent = text;
      for (const item of bars.children) item.classList.remove("sounds");
      save.disabled = true;
    }

    function showStep({ number, place, row, you, wrong }) {
      const beat = Math.floor((place % data.bar) / 2) + 1;
      const chords = you && voice === "chords"
        ? stagePage.bits([...Array(data.chords).keys()].map((unit) => Number(isDown(unit))))
        : row & chordMask;
      find(".turn").textContent = !fours.checked ? "Together" : you ? "Your turn" : "The network's turn";
      find(".now .chord").textContent = wrong ? "✗ not the form's chord" : symbols.get(chords) ?? "–";
      find(".now .pitch").textContent = roll.written(row);
      find(".now .where").textContent = `chorus ${Math.floor(number / length) + 1}, ` +
        `bar ${bar(place)}, beat ${beat}${place % 2 ? "½" : ""}`;
      [...bars.children].forEach((item, i) => item.classList.toggle("sounds", i === bar(place) - 1));
      find(".heard").textContent = Math.floor((number + 1) / length);
      root.dataset.step = number;
      save.disabled = false;
    }

    const isDown = (unit) => [...hands.held.values()].some((it) => it.units.includes(unit));

    function show() {
      if (!sound.context) return;
      const now = sound.heardNow();
      while (beats.length && beats[0].when <= now) {
        find(".turn").textContent = `Count in: ${beats.shift().words}`;
      }
      const step = roll.show(now, say);
      if (step) showStep(step);
    }

    function animate() {
      show();
      hands.check();
      if (transport.playing || hands.held.size) wake();
    }

    function wake() {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(animate);
    }

    // ---- What the reader does ------------------------------------------------------------------

    const transport = stageSound.makeTransport({
      sound, next, at: () => (counting ? -counting : played),
      tempo: () => value("tempo"), swing: () => value("swing"),
      ahead,
      stopped: () => {
        settle();
        performer.rest(sound.context.currentTime);
        [counting, beats] = [0, []];
        sync();
      },
    });
    /** Half a step, less what a person hears late: then the step before is complete. */
    function ahead() {
      return Math.max(LEAST, lasting / 2 - (sound.context.outputLatency || 0));
    }

    /** Lift the hands, and end the step that is open with what they did. */
    function settle() {
      hands.liftAll();
      const got = grid.close(Infinity);
      if (open) take(got, before);
    }

    function sync() {
      root.dataset.playing = transport.playing;
      toggle.querySelector("b").textContent = transport.playing ? "Stop" : "Play";
      if (transport.playing) wake();
      else show();
    }

    toggle.addEventListener("click", () => toggle.focus()); // keys play where the focus is
    stageSound.playBy(toggle, {
      root, transport, sound, say, sync, again: "Play to go on",
      before: () => {
        grid.forget();
        counting = data.bar;
      },
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) return;
      hands.liftAll();
      if (!transport.playing) return;
      transport.stop();
      say("It stopped when the page went out of sight. Press Play to go on.");
    });

    role.addEventListener("change", () => {
      settle();
      [voice, offs] = [role.value, []];
      grid = makeGrid();
      drawPads();
    });
    seed.addEventListener("change", () => {
      say(stagePage.wholeNumber(seed, 0, 4294967295) || `From the beginning, with seed ${seed.value}.`);
      if (transport.playing) transport.stop();
      begin();
      roll.draw();
    });
    for (const button of root.querySelectorAll(".part")) {
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        sound.mute(button.dataset.part, !on);
      });
    }
    for (const slider of root.querySelectorAll(".sliders input[type='range']")) {
      slider.addEventListener("input", () => {
        slider.nextElementSibling.textContent = slider.value;
      });
    }
    save.addEventListener("click", () => roll.save(value("tempo"), "duet.mid"));
    const midi = find(".midi"), taken = { press, lift: hands.lift, liftAll: hands.liftAll };
    midi.addEventListener("click", async () => {
      midi.disabled = true;
      try {
        say(await stageHands.listenToMidi(taken, unitOf, say));
        toggle.focus(); // which a button that is disabled has lost
      } catch (error) {
        midi.disabled = false;
        say(error.message);
      }
    });

    seed.value = data.seed;
    stagePage.drawBars(bars, data.symbols);
    drawPads();
    stageHands.listenToKeys(root, taken);
    begin();
    roll.fit();
    root.dataset.playing = false;
    // For tests, and for who looks under the bonnet.
    root.stage = {
      sound, transport, network, hands, rows: roll.rows, next, roll, ahead, at: () => played,
      get grid() { return grid; }, get player() { return player; },
    };
  }

  stagePage.begin(".stage.duet:not([data-playing])", start);
})();
