// Learn it now: Experiment 1 from random weights, in a worker, with every setting in reach.
(() => {
  "use strict";

  const USUAL_RATES = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2];
  const LONGEST = 32; // bars
  const SEEDS = 4294967295;

  function start(root) {
    const find = (what) => root.querySelector(what);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const sound = stageSound.makeSound(data.timbres);
    const performer = stageSound.makePerformer(sound, data.pitches, data.pitches.length);
    const [go, hear, said, canvas] = [find(".go"), find(".hear"), find(".said"), find(".curve")];
    const [rate, momentum, seed] = [find(".rate"), find(".momentum"), find(".seed")];
    const [reset, forgiven, chords] = [find(".reset"), find(".forgiven"), find(".chords")];
    const biases = find(".biases"), list = find(".bars"), learning = data.recipe.voices[0];
    const rates = [...new Set([...USUAL_RATES, learning.learning_rate])].sort((a, b) => a - b);
    const units = data.pitches.length;

    let symbols = data.symbols, roll = rollOf(symbols);
    let running = false, begun = false, finished = false, diverged = false;
    let news = [], kept = 0, turn = 0, seconds = [];
    let player = null, played = 0, queue = [], wrong = new Set();

    // ---- The worker ----------------------------------------------------------------------------

    function makeWorker(receive) {
      const text = `${find(".engine").textContent}\n${find(".learner").textContent}
        const handle = stageLearner(postMessage);
        onmessage = (event) => handle(event.data);`;
      try {
        const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
        const worker = new Worker(address);
        worker.onmessage = (event) => receive(event.data);
        worker.onerror = (event) => say(`The worker failed: ${event.message}`);
        return (message) => worker.postMessage(message);
      } catch {
        return stageLearner(receive); // in the page itself, which then answers slowly
      }
    }
    const send = makeWorker(received);

    function received(message) {
      if (message.kind === "weights") {
        root.dispatchEvent(new CustomEvent("weights", { detail: message }));
        if (message.purpose === "hear") perform(message);
        return;
      }
      if (message.id !== turn) return; // of a training that was given up
      news.push(message);
      if (news.length > 4000) news = news.filter((_, i) => i % 2); // half as fine
      kept = message.kept ?? 0;
      seconds = [...seconds.slice(-50), message.seconds];
      if (message.learned || message.diverged) [running, finished] = [false, true];
      if (message.learned) {
        const choruses = message.period > 0
          ? "and will play it for ever: its whole state comes back bit for bit"
          : `and plays ${data.choruses.toLocaleString("en")} choruses without a wrong note`;
        say(`Learned after ${message.steps.toLocaleString("en")} steps, ${choruses}.`);
      }
      if (message.diverged) {
        diverged = true;
        say("The weights have run away: they are not finite any more. Start again with a smaller " +
          "learning rate or less momentum.");
      }
      show();
    }

    const recipe = () => ({
      seed: Number(seed.value),
      forgiven: reset.checked ? Number(forgiven.value) : 0,
      restart: data.recipe.restart,
      voices: [{
        ...learning, ...speed(),
        forget_gate_bias: data.biases[biases.value].values,
      }],
    });
    const speed = () => ({
      learning_rate: rates[rate.value], momentum: Number(momentum.value), wrong: learning.wrong,
    });

    function begin() {
      if (running) send({ kind: "pause" });
      [running, begun, finished, diverged, news, kept, seconds] = [false, true, false, false, [], 0, []];
      wrong = new Set();
      send({
        kind: "begin", id: ++turn, plan: data.plan, recipe: recipe(), roll: [...roll],
        every: data.every, choruses: data.choruses,
      });
      show();
    }

    function startAgain(words) {
      const was = running;
      if (transport.playing) transport.stop();
      begin();
      say(words);
      if (was) learn();
    }

    function learn() {
      if (finished) begin();
      running = true;
      send({ kind: "go" });
      show();
    }

    function pause() {
      running = false;
      send({ kind: "pause" });
      show();
    }

    // ---- The form ------------------------------------------------------------------------------

    function rollOf(bars) {
      const found = new Float64Array(bars.length * data.bar * data.pitches.length);
      bars.forEach((symbol, bar) => {
        for (let step = 0; step < data.bar; step++) {
          for (const unit of data.table[symbol]) {
            found[(bar * data.bar + step) * data.pitches.length + unit] = 1;
          }
        }
      });
      return found;
    }

    /** The chord symbols in a text; an Error says what is wrong with them. */
    function parsed(text) {
      const found = text.replace(/♯/g, "#").replace(/♭/g, "b").split(/[\s|,;]+/).filter(Boolean);
      if (!found.length) throw new Error("There are no chords: type one for each bar.");
      if (found.length > LONGEST) {
        throw new Error(`There are ${found.length} bars: at most ${LONGEST} can be learned here.`);
      }
      const strange = found.findIndex((symbol) => !Object.hasOwn(data.table, symbol));
      if (strange >= 0) {
        const raised = found[strange][0].toUpperCase() + found[strange].slice(1);
        const meant = Object.hasOwn(data.table, raised) ? `Did you mean ${raised}? ` : "";
        throw new Error(`Bar ${strange + 1}: “${found[strange].slice(0, 20)}” is no chord that ` +
          `the network knows. ${meant}${data.known}`);
      }
      return found;
    }

    const written = (symbol) => symbol.replace("#", "♯").replace("b5", "♭5").replace(/^([A-G])b/, "$1♭");

    function drawBars() {
      stagePage.drawBars(list, symbols.map(written));
    }

    // ---- What is seen --------------------------------------------------------------------------

    function say(words) {
      said.textContent = words;
    }

    function show() {
      const last = news.at(-1), bars = Math.floor(kept / data.bar);
      root.dataset.running = running;
      root.dataset.steps = last?.steps ?? 0;
      go.querySelector("b").textContent = running ? "Pause"
        : finished ? "Learn anew" : news.length ? "Go on" : "Learn";
      hear.disabled = diverged && !transport.playing;
      find(".steps").textContent = (last?.steps ?? 0).toLocaleString("en");
      find(".kept").textContent = bars.toLocaleString("en");
      find(".resets").textContent = (last?.resets ?? 0).toLocaleString("en");
      const time = seconds.reduce((sum, it) => sum + it, 0);
      const fast = (seconds.length * data.every) / time;
      find(".speed").textContent = time ? (Math.round(fast / 1000) * 1000).toLocaleString("en") : "–";
      // A cross stays until the bar is played right.
      if (!transport.playing) for (let bar = 0; bar < bars; bar++) wrong.delete(bar);
      [...list.children].forEach((item, bar) => {
        const right = bar < bars;
        item.classList.toggle("right", right);
        item.classList.toggle("wrong", wrong.has(bar));
        item.title = right ? "played right in the last test" : "";
      });
      canvas.setAttribute("aria-label", last
        ? `Learning curve: after ${last.steps.toLocaleString("en")} steps the cross-entropy is ` +
          `${last.crossEntropy.toFixed(2)} nats a step, and ${bars} bars are right from the first ` +
          "chord on."
        : "Learning curve: nothing is learned yet.");
      draw();
    }

    const view = stagePage.makeCanvas(root, canvas, draw);

    /** Above the cross-entropy, on a logarithmic scale; below, the bars that are right. */
    function draw() {
      const { picture, colours, ratio } = view;
      const { width, height } = canvas, left = 44 * ratio, bottom = height - 20 * ratio;
      const middle = Math.round(0.6 * height), top = 20 * ratio, right = width - 8 * ratio;
      picture.fillStyle = colours.room;
      picture.fillRect(0, 0, width, height);
      picture.font = `${12 * ratio}px system-ui, sans-serif`;
      picture.textBaseline = "middle";
      const [high, low] = [10, 0.01];
      const yOf = (nats) => top + ((middle - top) * Math.log(high / Math.min(high, Math.max(low, nats)))) /
        Math.log(high / low);
      const most = Math.max(symbols.length, 1);
      const below = middle + 26 * ratio;
      const barOf = (steps) =>
        bottom - ((bottom - below) * Math.min(most, Math.floor(steps / data.bar))) / most;
      const line = (x0, y0, x1, y1) => {
        picture.beginPath();
        picture.moveTo(x0, y0);
        picture.lineTo(x1, y1);
        picture.stroke();
      };
      picture.strokeStyle = colours.rule;
      picture.lineWidth = ratio;
      picture.fillStyle = colours.quiet;
      picture.textAlign = "right";
      for (const nats of [10, 1, 0.1, 0.01]) {
        line(left, yOf(nats), right, yOf(nats));
        picture.fillText(String(nats), left - 6 * ratio, yOf(nats));
      }
      for (const bars of [0, most]) {
        const y = barOf(bars * data.bar);
        line(left, y, right, y);
        picture.fillText(String(bars), left - 6 * ratio, y);
      }
      picture.textAlign = "left";
      picture.fillText("cross-entropy, nats a step", left, 9 * ratio);
      picture.fillText(`bars right in a row, up to ${most}`, left, middle + 14 * ratio);
      if (!news.length) return;
      const end = news.at(-1).steps;
      picture.textAlign = "right";
      picture.fillText(`${end.toLocaleString("en")} steps`, right, height - 9 * ratio);
      const xOf = (steps) => left + ((right - left) * steps) / end;
      const curve = (values, colour) => {
        picture.strokeStyle = colour;
        picture.lineWidth = 1.5 * ratio;
        picture.beginPath();
        values.forEach(([x, y], i) => (i ? picture.lineTo(x, y) : picture.moveTo(x, y)));
        picture.stroke();
      };
      const seen = news.filter((it) => Number.isFinite(it.crossEntropy));
      curve(seen.map((it) => [xOf(it.steps), yOf(it.crossEntropy)]), colours.chords);
      curve(news.map((it) => [xOf(it.steps), barOf(it.kept ?? 0)]), colours.melody);
    }

    // ---- To hear it ----------------------------------------------------------------------------

    const transport = stageSound.makeTransport({
      sound, next, at: () => played, tempo: () => 160, swing: () => 0.5,
      stopped: () => {
        performer.rest(sound.context.currentTime);
        heardOut();
      },
    });

    function perform({ weights }) {
      const network = stageEngine.makeNetwork(data.plan, weights);
      player = stageEngine.makePlayer(network, 0, roll.slice(0, units));
      [played, queue, wrong] = [0, [], new Set()];
    }

    function next(when) {
      if (!player) return true; // its weights are on the way
      const steps = roll.length / units;
      if (played >= steps) { // one chorus, and time for its end to sound
        performer.rest(when);
        return ++played < steps + 4;
      }
      const at = (played * units) % roll.length, row = Float64Array.from(player.sounding);
      performer.perform(row, when);
      const right = row.every((on, unit) => on === roll[at + unit]);
      queue.push({ when, bar: Math.floor(at / units / data.bar), right });
      player.step();
      played++;
      return true;
    }

    function animate() {
      if (!sound.context) return;
      while (queue.length && queue[0].when <= sound.context.currentTime) {
        const { bar, right } = queue.shift();
        if (!right) wrong.add(bar);
        [...list.children].forEach((item, i) => {
          item.classList.toggle("sounds", i === bar);
          item.classList.toggle("wrong", wrong.has(i));
        });
      }
      if (transport.playing || queue.length) requestAnimationFrame(animate);
      else for (const item of list.children) item.classList.remove("sounds");
    }

    function heardOut() {
      hear.textContent = transport.playing ? "Stop" : "Hear it now";
      if (!transport.playing) queue = [];
      root.dataset.playing = transport.playing;
      show();
    }

    function before() {
      if (!begun) begin();
      player = null;
      send({ kind: "weights", purpose: "hear" });
    }
    function sync() {
      if (transport.playing) requestAnimationFrame(animate);
      heardOut();
    }
    const told = (text) => text && say(text); // what is said of learning stays, if there is nothing
    stageSound.playBy(hear, {
      root, transport, sound, say: told, sync, before, again: "Hear it now once more",
    });

    // ---- What the reader does ------------------------------------------------------------------

    go.addEventListener("click", () => {
      if (running) return pause();
      if (!begun) begin();
      say("");
      learn();
    });
    find(".again").addEventListener("click", () => startAgain("Begun again from random weights."));
    find(".new").addEventListener("click", () => {
      seed.value = Math.floor(Math.random() * 1000000);
      startAgain(`Begun again with seed ${seed.value}.`);
    });
    seed.addEventListener("change", () => {
      const note = stagePage.wholeNumber(seed, 0, SEEDS);
      startAgain(`Begun again with seed ${seed.value}. ${note}`.trim());
    });
    biases.addEventListener("change", () => startAgain("Begun again with these biases."));

    function changed(words = "") {
      rate.nextElementSibling.textContent = rates[rate.value];
      rate.setAttribute("aria-valuetext", String(rates[rate.value]));
      momentum.nextElementSibling.textContent = momentum.value;
      forgiven.disabled = !reset.checked;
      if (words) say(words);
      if (begun) {
        send({ kind: "change", ...speed(), forgiven: reset.checked ? Number(forgiven.value) : 0 });
      }
    }
    for (const control of [rate, momentum, reset]) control.addEventListener("input", () => changed());
    forgiven.addEventListener("change", () => changed(stagePage.wholeNumber(forgiven, 1, 1000)));

    function take(text) {
      try {
        symbols = parsed(text);
      } catch (error) {
        chords.setAttribute("aria-invalid", true);
        return say(error.message);
      }
      chords.removeAttribute("aria-invalid");
      roll = rollOf(symbols);
      drawBars();
      const bars = stagePage.counted(symbols.length, "bar");
      startAgain(`A form of ${bars}, from random weights.`);
      if (!running) learn();
    }
    find(".form").addEventListener("submit", (event) => {
      event.preventDefault();
      take(chords.value);
    });
    find(".ours").addEventListener("click", () => {
      chords.value = data.symbols.join(" ");
      take(chords.value);
    });

    rate.max = rates.length - 1;
    rate.value = rates.indexOf(learning.learning_rate);
    momentum.value = learning.momentum;
    forgiven.value = data.recipe.forgiven;
    seed.value = data.recipe.seed;
    chords.value = data.symbols.join(" ");
    data.biases.forEach(({ name }, i) => biases.add(new Option(name, i)));
    drawBars();
    changed();
    view.fit();
    show();
    // For tests, and for who looks under the bonnet.
    root.stage = { sound, transport, send, begin, recipe, get news() { return news; } };
  }

  stagePage.begin(".stage.learning:not([data-running])", start);
})();
