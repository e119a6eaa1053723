// The network in the page: the same steps as `machine`, with the same bits.
//
// Forward pass, truncated BPTT with RTRL, momentum, resets and sampling as in machine/steps.py,
// machine/updates.py and machine/kernel.py: the same float64 operations in the same order, with the
// same exp, for a network by itself whose weights learn at once. So a seed gives the same weights
// and the same music here as in Python; tests/test_stage.py compares them. NumPy's random numbers
// are here as well, so that a new seed needs no Python.
//
// Nothing here knows of a page: it runs in a window, in a worker and under Node.
var stageEngine = (() => { // var: a page may hold two scenes
  "use strict";

  // ---- Random numbers: numpy.random.SeedSequence and PCG64 --------------------------------------

  const MASK_64 = (1n << 64n) - 1n, MASK_128 = (1n << 128n) - 1n;
  const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

  function words(number) {
    let left = BigInt(number);
    const found = [];
    do {
      found.push(Number(left & 0xffffffffn));
      left >>= 32n;
    } while (left > 0n);
    return found;
  }

  /** The eight 32-bit words that seed a generator: of an entropy, or of its child `key`. */
  function seedState(entropy, key) {
    const all = words(entropy);
    if (key !== undefined) {
      while (all.length < 4) all.push(0);
      all.push(...words(key));
    }
    let constant = 0x43b0d7e5;
    const hashed = (value) => {
      value = (value ^ constant) >>> 0;
      constant = Math.imul(constant, 0x931e8875) >>> 0;
      value = Math.imul(value, constant) >>> 0;
      return (value ^ (value >>> 16)) >>> 0;
    };
    const mixed = (x, y) => {
      const both = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
      return (both ^ (both >>> 16)) >>> 0;
    };
    const pool = [0, 1, 2, 3].map((i) => hashed(all[i] ?? 0));
    for (let from = 0; from < 4; from++) {
      for (let to = 0; to < 4; to++) {
        if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
      }
    }
    for (const word of all.slice(4)) {
      for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(word));
    }
    constant = 0x8b51f9dd;
    return Array.from({ length: 8 }, (_, i) => {
      let value = (pool[i % 4] ^ constant) >>> 0;
      constant = Math.imul(constant, 0x58f38ded) >>> 0;
      value = Math.imul(value, constant) >>> 0;
      return (value ^ (value >>> 16)) >>> 0;
    });
  }

  /**
   * NumPy's default generator: `numpy.random.default_rng(seed)`, or, with a key, the child of that
   * number that its `spawn` returns. `random()` and `uniform(low, high)` give NumPy's numbers.
   */
  function generator(seed, key) {
    const state = seedState(seed, key).map(BigInt);
    const pair = (i) => (state[i + 1] << 32n) | state[i];
    const increment = ((((pair(4) << 64n) | pair(6)) << 1n) | 1n) & MASK_128;
    const stepped = (value) => (value * MULTIPLIER + increment) & MASK_128;
    let now = stepped((increment + ((pair(0) << 64n) | pair(2))) & MASK_128);
    const random = () => {
      now = stepped(now);
      const folded = (now >> 64n) ^ (now & MASK_64), turn = now >> 122n;
      const bits = ((folded >> turn) | (folded << (64n - turn))) & MASK_64;
      return Number(bits >> 11n) / 9007199254740992;
    };
    return { random, uniform: (low, high) => low + (high - low) * random() };
  }

  // ---- The logistic function, as in machine/vectors.py ------------------------------------------

  const LOG2_E = 1.4426950408889634, ROUND = 6755399441055744.0;
  const LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
  const T = [1];
  for (let n = 1, factorial = 1; n < 14; n++) T.push(1 / (factorial *= n));
  const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13] = T;
  // Powers of two from -1010 to 1010: what Python adds to the bits of an exponent.
  const POWERS = Float64Array.from({ length: 2021 }, (_, i) => 2 ** (i - 1010));

  /** e to the power of x, to the bit as in Python; beyond 700 it stays. */
  function exp(x) {
    x = x < -700 ? -700 : x;
    x = x > 700 ? 700 : x;
    const k = x * LOG2_E + ROUND - ROUND;
    const r = x - k * LN2_HIGH - k * LN2_LOW;
    const r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    const low = T0 + T1 * r + (T2 + T3 * r) * r2 + (T4 + T5 * r + (T6 + T7 * r) * r2) * r4;
    const high = T8 + T9 * r + (T10 + T11 * r) * r2 + (T12 + T13 * r) * r4;
    return (low + high * r8) * POWERS[k + 1010];
  }

  const logistic = (x) => 1 / (1 + exp(0 - x));

  // What is smaller fades away, once in so many steps; see machine/updates.py.
  const FADED = 2 ** -300, SWEPT_EVERY = 256, LEAST = 2 ** -60, RESCALE = 2 ** -600;

  // ---- Code for one layout ----------------------------------------------------------------------

  // What a step does is written out for the sizes of a voice and then compiled by the browser, as
  // Numba does it for a room: as loops it would take three times as long.

  const upTo = (count) => [...Array(count).keys()];
  const times = (count, write) => upTo(count).map(write).join("");
  const sum = (terms) => terms.join(" + "); // from the first to the last

  /** A function of its text, the tables that it names, and exp. */
  function compiled(body, tables) {
    const names = Object.keys(tables);
    return new Function("logistic", ...names, `"use strict"; ${body}`)(
      logistic, ...names.map((name) => tables[name]));
  }

  // What an output unit reads from its source s: an input, one of the voice's cells, or 1.
  const read = ({ inputs: I, outputSources: R }) =>
    `s === ${R - 1} ? 1 : s < ${I} ? source[s] : letOut[s - ${I}]`;

  /** The forward pass of a voice. */
  function forward(shape) {
    const { blocks: B, inputs: I, outputs: O, sources: S, outputSources: R, g, h } = shape;
    const U = B * shape.cells, H = 3 * B + U;
    return `return function activate() {
      let ${upTo(H).map((u) => `n${u} = 0`)};
      for (let s = 0, w = 0; s < ${S}; s++, w += ${H}) {
        const x = source[s];
        if (x === 0) continue; // adds nothing, to the bit
        ${times(H, (u) => `n${u} += hidden[w + ${u}] * x;`)}
      }
      ${times(3 * B, (b) => `gates[${b}] = n${b};`)}
      ${times(U, (c) => `offered[${c}] = n${3 * B + c};`)}
      for (let b = 0; b < ${3 * B}; b++) gates[b] = logistic(gates[b]);
      for (let c = 0, b = 0; c < ${U}; c++) {
        offered[c] = logistic(offered[c]);
        candidate[c] = ${g[0]} + ${g[1] - g[0]} * offered[c];
        before[c] = state[c];
        state[c] = gates[${B} + b] * before[c] + gates[b] * candidate[c];
        squashed[c] = logistic(state[c]);
        heard[c] = (${h[0]} + ${h[1] - h[0]} * squashed[c]) * audible[c];
        letOut[c] = gates[${2 * B} + b] * heard[c];
        if (++b === ${B}) b = 0;
      }
      let ${upTo(O).map((u) => `p${u} = 0`)};
      for (let s = 0, w = 0; s < ${R}; s++, w += ${O}) {
        const x = ${read(shape)};
        if (x === 0) continue;
        ${times(O, (u) => `p${u} += output[w + ${u}] * x;`)}
      }
      ${times(O, (u) => `prediction[${u}] = p${u};`)}
      for (let u = 0; u < ${O}; u++) prediction[u] = logistic(prediction[u]);
    };`;
  }

  /** One online update of a voice: errors, partials, and the change of every weight. */
  function learning(shape) {
    const { blocks: B, cells: C, inputs: I, outputs: O, sources: S, outputSources: R } = shape;
    const U = B * C, H = 3 * B + U, gWidth = shape.g[1] - shape.g[0];
    const hWidth = shape.h[1] - shape.h[0];
    const cellsOf = (b) => upTo(C).map((k) => k * B + b);
    const change = (table, at, gradient) =>
      `v = keep * ${table}Velocity[${at}] - ${gradient};
       ${table}Velocity[${at}] = v;
       ${table}[${at}] += v;`;
    const partial = (name, at, kept, gain) =>
      `const ${name} = ${kept} * partials[p + ${at}] + ${gain} * x;
       partials[p + ${at}] = ${name};`;
    return `return function learn(rate, keep) {
      let v = 0;
      ${times(O, (u) => `const d${u} = delta[${u}], stepOutput${u} = rate * d${u};`)}
      ${times(U, (c) => `const error${c} = ${sum(upTo(O).map(
        (u) => `output[${(I + c) * O + u}] * d${u}`))};`)}
      for (let s = 0, w = 0; s < ${R}; s++, w += ${O}) {
        const x = ${read(shape)};
        ${times(O, (u) => change("output", `w + ${u}`, `stepOutput${u} * x`))}
      }
      ${times(B, (b) => `
        const i${b} = gates[${b}], f${b} = gates[${B + b}], o${b} = gates[${2 * B + b}];
        v = ${sum(cellsOf(b).map((c) => `error${c} * heard[${c}]`))};
        v = rate * (v * (o${b} * (1 - o${b})));
        const stepGate${b} = Math.abs(v) < ${FADED} ? 0 : v;`)}
      ${times(U, (c) => `
        v = squashed[${c}];
        v = rate * (error${c} * audible[${c}] * o${c % B} * (${hWidth} * (v * (1 - v))));
        const step${c} = Math.abs(v) < ${FADED} ? 0 : v;
        v = offered[${c}];
        const gainCell${c} = i${c % B} * (${gWidth} * (v * (1 - v)));
        const gainInput${c} = candidate[${c}] * (i${c % B} * (1 - i${c % B}));
        const gainForget${c} = before[${c}] * (f${c % B} * (1 - f${c % B}));`)}
      for (let s = 0, p = 0, w = 0; s < ${S}; s++, p += ${3 * U}, w += ${H}) {
        const x = source[s];
        ${times(B, (b) => `
          ${cellsOf(b).map((c) => `
            ${partial(`cell${c}`, c, `f${b}`, `gainCell${c}`)}
            ${partial(`input${c}`, U + c, `f${b}`, `gainInput${c}`)}
            ${partial(`forget${c}`, 2 * U + c, `f${b}`, `gainForget${c}`)}
            ${change("hidden", `w + ${3 * B + c}`, `step${c} * cell${c}`)}`).join("")}
          ${change("hidden", `w + ${b}`,
            `(${sum(cellsOf(b).map((c) => `step${c} * input${c}`))})`)}
          ${change("hidden", `w + ${B + b}`,
            `(${sum(cellsOf(b).map((c) => `step${c} * forget${c}`))})`)}
          ${change("hidden", `w + ${2 * B + b}`, `stepGate${b} * x`)}`)}
      }
    };`;
  }

  // ---- One voice -------------------------------------------------------------------------------

  /**
   * One voice of a network: its tables, laid out as a room of machine/layout.py with one lane.
   *
   * `shape`: start, inputs, first, outputs, blocks, cells (of the largest block), sources and
   * outputSources (of a hidden and of an output unit), heard (numbers of the voices it reads),
   * audible (1 for a cell, 0 for what only fills up its block), g and h as [low, high], samples.
   */
  function makeVoice(shape) {
    const { blocks: B, inputs: I, outputs: O, sources: S, outputSources: R } = shape;
    const U = B * shape.cells, H = 3 * B + U;
    const row = (length) => new Float64Array(length);

    const source = row(S), state = row(U), letOut = row(U), before = row(U);
    const gates = row(3 * B), offered = row(U), candidate = row(U), squashed = row(U);
    const heard = row(U), prediction = row(O), target = row(O), delta = row(O);
    const hidden = row(S * H), hiddenVelocity = row(S * H);
    const output = row(R * O), outputVelocity = row(R * O), partials = row(S * 3 * U);
    const audible = Float64Array.from(shape.audible);
    source[S - 1] = 1;

    const tables = {
      source, state, letOut, before, gates, offered, candidate, squashed, heard, prediction,
      delta, hidden, hiddenVelocity, output, outputVelocity, partials, audible,
    };
    const activate = compiled(forward(shape), tables);
    const learn = compiled(learning(shape), tables);

    const voice = {
      shape, source, state, letOut, gates, prediction, target, hidden, output, partials,
      hiddenVelocity, outputVelocity,
      rate: 0, momentum: 0, wrong: Infinity, worst: 0, likelihood: 1, rescaled: 0,
      listen, present, activate, compare, learn, judge, clear, sweep,
    };

    /** Copy what the voices let out at the step before to where this one reads it. */
    function listen(voices) {
      let at = I;
      for (const number of shape.heard) {
        const from = voices[number].letOut;
        for (let k = 0; k < from.length; k++) source[at++] = from[k];
      }
    }

    /** Take a voice's part of a row of inputs, and of the row that it should predict. */
    function present(inputs, at, targets, targetsAt) {
      for (let u = 0; u < I; u++) source[u] = inputs[at + shape.start + u];
      for (let u = 0; u < O; u++) target[u] = targets[targetsAt + shape.first + u];
    }

    /** Hold the prediction against the target: how far off, how likely. */
    function compare() {
      let worst = 0, right = 1;
      for (let u = 0; u < O; u++) {
        delta[u] = prediction[u] - target[u];
        const off = Math.abs(delta[u]);
        if (u === 0 || off > worst) worst = off;
        right *= 1 - off;
      }
      voice.worst = worst;
      voice.likelihood *= right;
    }

    /** Was the step a gross error? Keeps the likelihood from underflow. */
    function judge() {
      if (voice.likelihood < RESCALE) {
        voice.likelihood = Math.max(voice.likelihood, RESCALE * LEAST) / RESCALE;
        voice.rescaled++;
      }
      return voice.worst > voice.wrong;
    }

    function clear() {
      state.fill(0);
      letOut.fill(0);
      partials.fill(0);
    }

    /** Make zeros of what has faded: left alone it would become subnormal, and slow. */
    function sweep() {
      for (const table of [partials, hiddenVelocity, outputVelocity]) {
        for (let k = 0; k < table.length; k++) if (Math.abs(table[k]) < FADED) table[k] = 0;
      }
    }

    return voice;
  }

  // ---- A network -------------------------------------------------------------------------------

  function floats(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    if (bytes.length % 8) {
      throw new Error(`expected numbers of 8 bytes each, got ${bytes.length} bytes: they are damaged`);
    }
    return new Float64Array(bytes.buffer);
  }

  function text(numbers) {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    let letters = "";
    for (const byte of bytes) letters += String.fromCharCode(byte);
    return btoa(letters);
  }

  /**
   * A network of a plan, as stage.py writes it; its weights are those of `matrices`, or zero.
   *
   * The matrices `hidden` and `output` are those of machine.Network, row by row, as float64 in
   * base64; they are the same as long as no bit of a weight differs.
   */
  function makeNetwork(plan, matrices) {
    const voices = plan.voices.map((it) => makeVoice(it.shape));
    // For every weight of a voice its place in its table and in the matrix.
    const each = (name, visit) => plan.voices.forEach((it, number) => {
      const { rows, columns } = it[name], table = voices[number][name];
      for (let c = 0; c < columns.length; c++) {
        for (let r = 0; r < rows.length; r++) {
          if (rows[r] >= 0 && columns[c] >= 0) {
            visit(table, c * rows.length + r, rows[r] * plan.sources + columns[c]);
          }
        }
      }
    });

    function setWeights(given) {
      for (const name of ["hidden", "output"]) {
        const matrix = given[name];
        if (matrix.length !== plan[name] * plan.sources || !matrix.every(Number.isFinite)) {
          throw new Error(
            `${name}: expected ${plan[name]} rows of ${plan.sources} finite numbers, got ` +
            `${matrix.length} numbers: these weights are not of this network`);
        }
        each(name, (table, at, place) => (table[at] = matrix[place]));
      }
      for (const voice of voices) {
        voice.hiddenVelocity.fill(0);
        voice.outputVelocity.fill(0);
        voice.clear();
      }
    }

    function weights() {
      const found = {};
      for (const name of ["hidden", "output"]) {
        found[name] = new Float64Array(plan[name] * plan.sources);
        each(name, (table, at, place) => (found[name][place] = table[at]));
      }
      return found;
    }

    const clear = () => voices.forEach((voice) => voice.clear());

    /** Put a state of machine.network.State into the cells: two rows, a number for each cell. */
    function setState(cellState, cellOutput) {
      voices.forEach((voice, number) => {
        plan.voices[number].cells.forEach((cell, at) => {
          if (cell < 0) return;
          voice.state[at] = cellState[cell];
          voice.letOut[at] = cellOutput[cell];
        });
      });
    }

    /** One step without learning: what is heard is in `inputs` from `at` on. */
    function hear(inputs, at) {
      for (const voice of voices) voice.present(inputs, at, inputs, at);
      for (const voice of voices) voice.listen(voices);
      for (const voice of voices) voice.activate();
    }

    if (matrices) setWeights({ hidden: floats(matrices.hidden), output: floats(matrices.output) });
    return { plan, voices, setWeights, weights, setState, clear, hear };
  }

  // ---- Playing ---------------------------------------------------------------------------------

  /** Choose one unit, as machine.kernel.draw_unit does; -1 if no note can be drawn. */
  function drawUnit(outputs, draw, temperature) {
    let largest = 0;
    for (let u = 0; u < outputs.length; u++) {
      if (!(outputs[u] >= 0 && outputs[u] < Infinity)) return -1;
      if (outputs[u] > outputs[largest]) largest = u;
    }
    if (outputs[largest] === 0) return -1;
    if (temperature === 0) return largest;
    const power = 1 / temperature;
    let total = 0, passed = 0;
    for (let u = 0; u < outputs.length; u++) total += (outputs[u] / outputs[largest]) ** power;
    for (let u = 0; u < outputs.length; u++) {
      passed += (outputs[u] / outputs[largest]) ** power;
      if (passed > draw * total) return u;
    }
    return largest;
  }

  /**
   * A network that plays on and on, as playing.free_run does: `step()` hears what sounds now and
   * chooses what sounds next. `sounding` is the row of inputs of the next step.
   */
  function makePlayer(network, seed, given) {
    const { voices, plan } = network;
    const rows = given.length / plan.inputs;
    const sounding = Float64Array.from(given.slice(0, plan.inputs));
    const draws = new Float64Array(voices.length);
    let { random } = generator(seed);
    let heard = 0;
    // A row of draws for every step, that of the first as well, though nothing is drawn in it.
    const drawn = () => {
      for (let v = 0; v < draws.length; v++) draws[v] = random();
    };
    drawn();

    function step(temperature = 1) {
      network.hear(sounding, 0);
      heard++;
      drawn();
      if (heard < rows) {
        for (let u = 0; u < plan.inputs; u++) sounding[u] = given[heard * plan.inputs + u];
        return true;
      }
      for (let v = 0; v < voices.length; v++) {
        const { shape, prediction } = voices[v], { start } = shape;
        if (!shape.samples) {
          for (let u = 0; u < shape.inputs; u++) sounding[start + u] = prediction[u] > 0.5 ? 1 : 0;
          continue;
        }
        const unit = drawUnit(prediction, draws[v], temperature);
        if (unit < 0) return false;
        for (let u = 0; u < shape.inputs; u++) sounding[start + u] = u === unit ? 1 : 0;
      }
      return true;
    }

    const reseed = (number) => ({ random } = generator(number));
    return { network, sounding, step, reseed, get heard() { return heard; } };
  }

  /**
   * Free run until the first wrong note, or the return of a state, as Arena.recall: `steps` right
   * in a row, and the `period` in choruses after which the state came back, or 0.
   */
  function recall(network, roll, choruses) {
    const { voices, plan } = network, length = roll.length / plan.inputs;
    network.clear();
    let snapshot = null, taken = 0;
    for (let chorus = 1; chorus <= choruses; chorus++) {
      for (let now = 0; now < length; now++) {
        network.hear(roll, now * plan.inputs);
        const next = ((now + 1) % length) * plan.inputs;
        for (const { shape, prediction } of voices) {
          for (let u = 0; u < shape.outputs; u++) {
            if (prediction[u] > 0.5 !== roll[next + shape.first + u] > 0.5) {
              return { steps: (chorus - 1) * length + now, period: 0 };
            }
          }
        }
      }
      const same = (table, at) => table.every((value, k) => value === snapshot[at][k]);
      const tables = voices.flatMap((voice) => [voice.state, voice.letOut]);
      if (taken && tables.every(same)) {
        return { steps: chorus * length, period: chorus - taken };
      }
      if ((chorus & (chorus - 1)) === 0) {
        snapshot = tables.map((table) => Float64Array.from(table));
        taken = chorus;
      }
    }
    return { steps: choruses * length, period: 0 };
  }

  // ---- Training --------------------------------------------------------------------------------

  /**
   * A training, as machine.train begins it: `learn(steps)` learns one roll over and over, online;
   * with `reset` false, no gross error clears anything.
   *
   * recipe: seed, forgiven, restart (left out: never), and for each voice learning_rate, momentum,
   * initial_range, the biases of input, forget and output gates (one for each block), output_bias,
   * wrong; plan: its network.
   */
  function makeTraining(plan, recipe, roll) {
    const network = makeNetwork(plan), { voices } = network;
    const length = roll.length / plan.inputs;
    const restart = recipe.restart || Infinity;
    let now = 0, errors = 0, whole = 0, since = 0, steps = 0;

    const matrices = {
      hidden: new Float64Array(plan.hidden * plan.sources),
      output: new Float64Array(plan.output * plan.sources),
    };
    plan.voices.forEach((it, number) => {
      const learning = recipe.voices[number], { uniform } = generator(recipe.seed, number + 1);
      const reach = learning.initial_range, last = plan.sources - 1;
      for (const name of ["hidden", "output"]) {
        for (const row of it.drawn[name].rows) {
          for (const column of it.drawn[name].columns) {
            matrices[name][row * plan.sources + column] = uniform(-reach, reach);
          }
        }
      }
      ["input", "forget", "output"].forEach((gate, kind) => {
        learning[`${gate}_gate_bias`].forEach((bias, block) => {
          const row = it.drawn.hidden.rows[kind * it.shape.blocks + block];
          matrices.hidden[row * plan.sources + last] = bias;
        });
      });
      for (const row of it.drawn.output.rows) {
        matrices.output[row * plan.sources + last] = learning.output_bias;
      }
      set(number, learning);
    });
    network.setWeights(matrices);

    /** Change how a voice learns, from the next step on. */
    function set(number, { learning_rate: rate, momentum, wrong }) {
      Object.assign(voices[number], { rate, momentum, wrong: wrong ?? Infinity });
    }

    function learn(count, forgiven = recipe.forgiven || Infinity) {
      const tally = { steps: count, grossErrors: 0, resets: 0, crossEntropy: [] };
      for (const voice of voices) voice.likelihood = 1, voice.rescaled = 0;
      for (let done = 0; done < count; done++) {
        const at = now * plan.inputs, next = now + 1 < length ? at + plan.inputs : 0;
        for (const voice of voices) voice.present(roll, at, roll, next);
        for (const voice of voices) voice.listen(voices);
        let gross = false;
        for (const voice of voices) {
          voice.activate();
          voice.compare();
          if (voice.rate !== 0) voice.learn(voice.rate, voice.momentum);
        }
        for (const voice of voices) gross = voice.judge() || gross;
        now = now + 1 < length ? now + 1 : 0;
        if (now === 0) whole++;
        if (gross) {
          tally.grossErrors++;
          if (++errors >= forgiven) {
            tally.resets++;
            network.clear();
            now = errors = whole = 0;
          }
        }
        if (now === 0 && whole >= restart) {
          network.clear();
          whole = 0;
        }
        if (++since === SWEPT_EVERY) {
          for (const voice of voices) voice.sweep();
          since = 0;
        }
      }
      steps += count;
      tally.crossEntropy = voices.map(
        (voice) => -Math.log(voice.likelihood) - voice.rescaled * Math.log(RESCALE));
      return tally;
    }

    return { network, recipe, roll, length, learn, set, get steps() { return steps; } };
  }

  return {
    generator, exp, logistic, floats, text, makeNetwork, makePlayer, makeTraining, recall, drawUnit,
  };
})();

if (typeof module !== "undefined") module.exports = stageEngine;
