// Sound and time on the stage: an instrument of Web Audio, steps in time, and MIDI files.
//
// Steps are laid out ahead of the clock of the sound itself, a tenth of a second and no more, so
// that what a reader changes is heard at the next one. Time that was lost, in a tab that slept or a
// sound that was suspended, is gone: nothing is caught up with.
var stageSound = (() => {
  "use strict";

  const LONGEST = 12; // seconds after which a note ends whatever happens
  const AHEAD = 0.12, AHEAD_HIDDEN = 1.3; // seconds; hidden tabs are woken once a second at worst
  const LATE = 0.02;
  const PATIENCE = 3000; // milliseconds that a browser may take to begin

  /**
   * An instrument: a part for each of `timbres` (see audio.Timbre: level, partials, attack,
   * release). `start()` belongs into a press, or a browser keeps it silent. Where nothing can sound,
   * a clock without a sound takes its place, and `note` says why. `given`: a context to sound in,
   * such as one that renders into an array.
   */
  function makeSound(timbres, given = null) {
    let context = null, analyser = null;
    const parts = {}, sounding = new Set(), muted = {};
    const sound = { start, strike, mute, hush, heardNow, changed: () => {}, struck: 0, note: "" };
    const clock = { state: "running", get currentTime() { return performance.now() / 1000; } };
    if (given) build(given);

    function build(made) {
      context = made;
      const limiter = new DynamicsCompressorNode(context, {
        threshold: -14, knee: 4, ratio: 20, attack: 0.002, release: 0.15,
      });
      analyser = new AnalyserNode(context, { fftSize: 2048 });
      const after = new GainNode(context, { gain: 0.7 });
      limiter.connect(after).connect(analyser).connect(context.destination);
      for (const name of Object.keys(timbres)) {
        parts[name] = new GainNode(context, { gain: muted[name] ? 0 : 0.22 });
        parts[name].connect(limiter);
      }
      context.addEventListener("statechange", () => {
        if (sound.context === context) sound.changed(context.state);
      });
      Object.assign(sound, { context, analyser });
    }

    async function start() {
      const Context = window.AudioContext ?? window.webkitAudioContext;
      if (!Context) return silently("This browser has no Web Audio: the music is shown without it.");
      try {
        if (!context || context.state === "closed") build(new Context());
      } catch (error) {
        return silently(`The browser gives no sound: ${error.message} The music is shown without it.`);
      }
      if (context.state !== "running") {
        // With no device to sound from, some browsers never answer.
        await Promise.race([context.resume(), new Promise((go) => setTimeout(go, PATIENCE))]);
      }
      if (context.state !== "running") {
        return silently("The browser gives no sound now: the music is shown without it.");
      }
      Object.assign(sound, { context, note: "" });
    }

    function silently(note) {
      Object.assign(sound, { context: clock, note });
    }

    /** Begin a note; what comes back ends it. One that nobody ends fades and ends by itself. */
    function strike(name, pitch, when) {
      if (sound.context === clock) return { end() {} };
      const { level, partials, attack, release } = timbres[name];
      const frequency = 440 * 2 ** ((pitch - 69) / 12);
      const body = new GainNode(context, { gain: level });
      body.connect(parts[name]);
      const tones = partials.map(([multiple, amplitude, decay]) => {
        const tone = new OscillatorNode(context, { frequency: multiple * frequency });
        const loud = new GainNode(context, { gain: 0 });
        loud.gain.setValueAtTime(0, when);
        loud.gain.linearRampToValueAtTime(amplitude, when + attack);
        loud.gain.setTargetAtTime(0, when + attack, decay);
        tone.connect(loud).connect(body);
        tone.start(when);
        tone.stop(when + LONGEST);
        return tone;
      });
      const note = { end, pitch };
      sounding.add(note);
      sound.struck++;
      tones[0].addEventListener("ended", () => {
        sounding.delete(note);
        body.disconnect();
      });

      function end(at) {
        const from = Math.max(at, context.currentTime);
        body.gain.setTargetAtTime(0, from, release / 4);
        for (const tone of tones) tone.stop(Math.max(from, when) + 2 * release);
      }
      return note;
    }

    function mute(name, off) {
      muted[name] = off;
      if (context) parts[name].gain.setTargetAtTime(off ? 0 : 0.22, context.currentTime, 0.01);
    }

    /** The time of what is heard now: what is made now takes its way to the ear. */
    function heardNow() {
      return sound.context.currentTime - (sound.context.outputLatency || 0);
    }

    /** End all that sounds. */
    function hush() {
      for (const note of sounding) note.end(0);
    }

    Object.defineProperty(sound, "sounding", { get: () => sounding.size });
    return sound;
  }

  /** Calls back some forty times a second, also where a tab behind others slows its timers. */
  function makeClock(call) {
    try {
      const text = "setInterval(() => postMessage(0), 25);";
      const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      const worker = new Worker(address);
      worker.onmessage = call;
      worker.onerror = () => setInterval(call, 25);
    } catch {
      setInterval(call, 25);
    }
  }

  const anyhow = () => (document.hidden ? AHEAD_HIDDEN : AHEAD);

  /**
   * Steps in time. `next(when, length)` is called for each step as soon as it is to be laid out; if
   * it returns false, the music ends. `at()` says which step comes, tempo and swing how long it is,
   * `ahead()` how many seconds in advance it is laid out. It is `playing` from `play()` on, and
   * `begun` once the sound has: who stops it in between hears nothing.
   */
  function makeTransport({ sound, tempo, swing, at, next, ahead = anyhow, stopped = () => {} }) {
    let when = 0, playing = false, begun = false, ticking = false, turn = 0;

    /** A step is half a beat; swing says where in its beat the second one comes. */
    const length = () => ((at() % 2 ? 1 - swing() : swing()) * 60) / tempo();

    function tick() {
      if (!begun || sound.context.state !== "running") return;
      const now = sound.context.currentTime;
      if (when < now + LATE / 2) when = now + LATE; // what was missed stays missed
      while (begun && when < now + ahead()) {
        const lasts = length();
        if (next(when, lasts) === false) return stop();
        when += lasts;
      }
    }

    /** Whether it was begun: not if it was stopped while the browser took its time. */
    async function play() {
      const mine = ++turn;
      playing = true;
      await sound.start();
      if (mine !== turn) return false;
      if (!ticking) makeClock(tick);
      ticking = begun = true;
      when = sound.context.currentTime + 0.06;
      tick();
      return begun;
    }

    function stop() {
      turn++;
      playing = begun = false;
      sound.hush();
      stopped();
    }

    return {
      play, stop, tick, get playing() { return playing; }, get begun() { return begun; },
    };
  }

  /**
   * A button begins and ends what a transport plays, in turn with everything else in the page that
   * sounds. `before` is done when it begins, `sync` whenever it was pressed; `say` is told what stood
   * in the way, and `again` how to go on if the browser stops the sound.
   */
  function playBy(button, { root, transport, sound, say, sync, again, before = () => {} }) {
    const giveWay = () => transport.playing && transport.stop();
    document.addEventListener("stageplays", ({ detail }) => detail !== root && giveWay());
    document.addEventListener("play", giveWay, true); // of an audio element

    button.addEventListener("click", async () => {
      if (transport.playing) return transport.stop();
      try {
        before();
        document.dispatchEvent(new CustomEvent("stageplays", { detail: root }));
        for (const other of document.querySelectorAll("audio, video")) other.pause();
        const begun = transport.play();
        sync(); // at once: a second press stops it
        if (await begun) say(sound.note);
      } catch (error) {
        if (transport.playing) transport.stop();
        say(error.message);
      }
    });
    sound.changed = (state) => {
      if (state === "running" || !transport.begun) return;
      transport.stop();
      say(`The browser has stopped the sound. Press ${again}.`);
    };
  }

  /** Plays rows of zeros and ones: chords are struck anew when they change, a melody is held. */
  function makePerformer(sound, pitches, chords) {
    let before = new Array(pitches.length).fill(0);
    const held = new Map();
    const end = (unit, when) => {
      held.get(unit)?.end(when);
      held.delete(unit);
    };

    function perform(row, when) {
      const changed = row.some((on, unit) => unit < chords && on !== before[unit]);
      for (let unit = 0; unit < pitches.length; unit++) {
        const anew = unit < chords ? changed : row[unit] !== before[unit];
        if (!anew) continue;
        end(unit, when);
        if (row[unit]) {
          held.set(unit, sound.strike(unit < chords ? "chords" : "melody", pitches[unit], when));
        }
      }
      before = Array.from(row);
    }

    function rest(when) {
      for (const unit of [...held.keys()]) end(unit, when);
      before.fill(0);
    }
    return { perform, rest };
  }

  // ---- MIDI files ------------------------------------------------------------------------------

  const TICKS = 240; // of a step; two steps are a quarter note

  function number(value, bytes) {
    return Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 0xff);
  }

  function delta(ticks) {
    const bytes = [ticks & 0x7f];
    while ((ticks >>>= 7)) bytes.unshift((ticks & 0x7f) | 0x80);
    return bytes;
  }

  function chunk(name, bytes) {
    return [...new TextEncoder().encode(name), ...number(bytes.length, 4), ...bytes];
  }

  /**
   * A MIDI file of rows, as midi.write_midi writes it: a track for the tempo and one for each part.
   * parts: name, program, velocity, units (which of a row), struck (anew when one changes).
   */
  function midiFile(rows, pitches, parts, tempo) {
    const end = [0, 0xff, 0x2f, 0];
    const tracks = [[0, 0xff, 0x51, 3, ...number(Math.round(60e6 / tempo), 3), ...end]];
    parts.forEach(({ name, program, velocity, units, struck }, channel) => {
      const label = new TextEncoder().encode(name);
      const bytes = [0, 0xff, 0x03, ...delta(label.length), ...label, 0, 0xc0 | channel, program];
      let last = 0, empty = true;
      const put = (step, status, pitch, loud) => {
        bytes.push(...delta((step - last) * TICKS), status | channel, pitch, loud);
        last = step;
        empty = false;
      };
      for (let step = 0; step <= rows.length; step++) {
        const on = (unit, at) => (at >= 0 && at < rows.length && rows[at][unit] ? 1 : 0);
        const changed = units.filter((unit) => on(unit, step) !== on(unit, step - 1));
        if (!changed.length) continue;
        const anew = struck ? units : changed;
        for (const unit of anew) if (on(unit, step - 1)) put(step, 0x80, pitches[unit], 0);
        for (const unit of anew) if (on(unit, step)) put(step, 0x90, pitches[unit], velocity);
      }
      if (!empty) tracks.push([...bytes, ...end]);
    });
    const head = [...number(1, 2), ...number(tracks.length, 2), ...number(2 * TICKS, 2)];
    let file = chunk("MThd", head);
    for (const track of tracks) file = file.concat(chunk("MTrk", track));
    return Uint8Array.from(file);
  }

  /** Hand a file to the reader. */
  function save(bytes, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "audio/midi" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { makeSound, makeTransport, playBy, makePerformer, midiFile, save };
})();

if (typeof module !== "undefined") module.exports = stageSound;
