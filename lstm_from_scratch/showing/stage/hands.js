// The hands of a person who plays along: notes as they come, on the grid of steps; computer keys,
// buttons under a finger, a MIDI keyboard.
var stageHands = (() => {
  "use strict";

  const LONGEST = 12; // seconds that a note may be held: a lost end is not waited for
  const MOST = 16; // notes that are held at once
  const CROWD = 48; // notes that sound at once, with those that fade

  /**
   * Notes on the grid, as playing.duets.Hands has them. `press` and `lift` are told of a unit and a
   * time; `close(until)` ends a step, to which belongs what came before that time:
   *
   *   struck: units and times of the notes that began; sounding: units that sound, those that began
   *   and ended in it too; heard: what the network hears, or null before the first note.
   *
   * Only a new note changes what the network hears: all that sounds then, or, of a `single` line,
   * the last that began. It has never heard a rest.
   */
  function makeGrid(single) {
    const down = new Set();
    let events = [], heard = null;

    function close(until) {
      const struck = [], later = [];
      for (const event of events) {
        if (event.time >= until) {
          later.push(event);
        } else if (event.on) {
          struck.push(event);
          down.add(event.unit);
        } else {
          down.delete(event.unit);
        }
      }
      events = later;
      const began = struck.map(({ unit }) => unit);
      const sounding = [...new Set([...down, ...began])].sort((a, b) => a - b);
      if (began.length) heard = single ? [began.at(-1)] : sounding;
      return { struck, sounding, heard };
    }

    return {
      press: (unit, time) => events.push({ unit, time, on: true }),
      lift: (unit, time) => events.push({ unit, time, on: false }),
      forget: () => (heard = null),
      close,
    };
  }

  /**
   * Hands on an instrument. A note has a source, such as a key, which presses and lifts it; what is
   * pressed sounds at once. `sounds(unit)` begins a note and hands out what ends it; `grid()` takes
   * the notes, at the time that `clock(late)` says for a press that lies `late` seconds back.
   */
  function makeHands({ sounds, crowd, grid, clock, say, seen = () => {} }) {
    const held = new Map();
    const others = (source, unit) =>
      [...held].some(([other, { units }]) => other !== source && units.includes(unit));

    function press(source, units, late = 0) {
      if (held.has(source)) lift(source, late); // its end was lost
      const count = [...held.values()].reduce((sum, it) => sum + it.units.length, units.length);
      if (count > MOST || crowd() > CROWD) {
        return say("Too many notes at once: some are left out.");
      }
      const notes = units.map((unit) => sounds(unit));
      const time = clock(late);
      for (const unit of units) grid().press(unit, time);
      held.set(source, { units, notes, since: time });
      seen(held);
    }

    function lift(source, late = 0) {
      const note = held.get(source);
      if (!note) return;
      held.delete(source);
      const time = Math.max(clock(late), note.since);
      for (const it of note.notes) it.end(0);
      for (const unit of note.units) if (!others(source, unit)) grid().lift(unit, time);
      seen(held);
    }

    /** Lift all whose source begins so. */
    function liftAll(beginning = "") {
      for (const source of [...held.keys()]) if (source.startsWith(beginning)) lift(source);
    }

    /** End what was held too long. */
    function check() {
      for (const [source, { since }] of [...held]) {
        if (clock(0) - since < LONGEST) continue;
        lift(source);
        say(`A note was held for ${LONGEST} seconds, as if its end were lost: it was ended.`);
      }
    }

    return { press, lift, liftAll, check, held };
  }

  // ---- Keys and fingers --------------------------------------------------------------------------

  const keyNames = new Map(); // of keys by their place, as far as this keyboard has told them

  /** Write on each button which key plays it. */
  function nameKeys(root) {
    for (const pad of root.querySelectorAll(".pad")) {
      const name = keyNames.get(pad.dataset.code) ?? pad.dataset.code.slice(-1);
      const label = pad.querySelector("kbd");
      label.textContent = name;
      label.setAttribute("aria-hidden", "true"); // it is told as a shortcut
      pad.setAttribute("aria-keyshortcuts", name);
    }
  }

  /** How long ago an event was, in seconds. */
  const lateness = ({ timeStamp }) =>
    Math.max(0, Math.min(1, (performance.now() - (timeStamp || performance.now())) / 1000));

  /**
   * Let keys and buttons play. A button of class `pad` has `data-units`, such as "0 4 7", and, for a
   * key by its place on the keyboard, `data-code`, such as "KeyA"; in it stands a `kbd`. Keys play
   * while the focus is in `root`; a field that takes letters or digits keeps them.
   */
  function listenToKeys(root, { press, lift, liftAll }) {
    const pads = () => [...root.querySelectorAll(".pad")];
    const units = (pad) => pad.dataset.units.split(" ").map(Number);
    const typing = ({ target }) =>
      target.matches("select, textarea, input:not([type='range'], [type='checkbox'])");
    const name = (pad) => `pad ${pad.dataset.units}`;

    /** The button that a key stands for: the one in focus, or that of its place. */
    function meant(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return null;
      const focused = event.target.closest(".pad");
      if (focused && (event.key === "Enter" || event.key === " ")) return focused;
      return pads().find((pad) => pad.dataset.code === event.code) ?? null;
    }

    root.addEventListener("keydown", (event) => {
      const pad = meant(event);
      if (!pad) return;
      event.preventDefault();
      if (event.repeat) return;
      if (pad.dataset.code === event.code && event.key.length === 1 && !event.shiftKey) {
        keyNames.set(event.code, event.key.toUpperCase());
        nameKeys(root);
      }
      press(`key ${event.code}`, units(pad), lateness(event));
    });
    root.addEventListener("keyup", (event) => {
      if (meant(event)) event.preventDefault(); // or a space would press a button once more
      lift(`key ${event.code}`, lateness(event));
    });
    root.addEventListener("focusout", ({ relatedTarget }) => {
      if (!root.contains(relatedTarget)) liftAll("key");
    });
    window.addEventListener("blur", () => liftAll("key"));

    root.addEventListener("pointerdown", (event) => {
      const pad = event.target.closest(".pad");
      if (!pad || event.button) return;
      pad.focus({ preventScroll: true }); // where a press does not
      pad.setPointerCapture(event.pointerId);
      press(`finger ${event.pointerId}`, units(pad), lateness(event));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      root.addEventListener(end, (event) => lift(`finger ${event.pointerId}`, lateness(event)));
    }
    root.addEventListener("contextmenu", (event) => {
      if (event.target.closest(".pad")) event.preventDefault(); // of a long touch
    });
    root.addEventListener("click", (event) => {
      const pad = event.target.closest(".pad");
      if (!pad || event.detail) return;
      press(name(pad), units(pad)); // pressed by neither hand: by a screen reader
      setTimeout(() => lift(name(pad)), 400);
    });
    navigator.keyboard?.getLayoutMap?.().then((layout) => {
      for (const [code, key] of layout) keyNames.set(code, key.toUpperCase());
      nameKeys(root);
    }, () => {});
  }

  // ---- A MIDI keyboard ---------------------------------------------------------------------------

  const DRUMS = 9, ALL_OFF = [120, 123];

  /**
   * Let MIDI keyboards play, also such as are plugged in later; the browser may ask whether it may.
   * `unit(pitch)` says which unit a pitch is. What comes back says in words what is there.
   */
  async function listenToMidi({ press, lift, liftAll }, unit, say) {
    if (!navigator.requestMIDIAccess) {
      throw new Error("This browser has no Web MIDI. Keys and buttons play as well.");
    }
    const access = await navigator.requestMIDIAccess().catch(() => {
      throw new Error("The browser does not allow MIDI here. Keys and buttons play as well.");
    });
    const source = (port, rest = "") => `midi ${port.id} ${rest}`;

    function take(port, event) {
      const [status, pitch, strength] = event.data;
      const kind = status & 0xf0, channel = status & 0x0f;
      if (kind === 0xb0 && ALL_OFF.includes(pitch)) liftAll(source(port));
      if ((kind !== 0x90 && kind !== 0x80) || channel === DRUMS) return;
      const note = source(port, `${channel} ${pitch}`);
      if (kind === 0x90 && strength > 0) press(note, [unit(pitch)], lateness(event));
      else lift(note, lateness(event));
    }

    const known = new Set();
    function connect(port) {
      known.add(port.id);
      port.onmidimessage = (event) => take(port, event);
    }
    access.onstatechange = ({ port }) => { // also says that a port was opened
      if (port.type !== "input") return;
      const there = port.state !== "disconnected";
      if (there === known.has(port.id)) return;
      if (there) {
        connect(port);
        return say(`${port.name} plays now.`);
      }
      known.delete(port.id);
      liftAll(source(port));
      say(`${port.name} is gone, and its notes were ended. Keys and buttons play on.`);
    };
    const there = [...access.inputs.values()].filter(({ state }) => state !== "disconnected");
    there.forEach(connect);
    const names = there.map(({ name }) => name).join(" and ");
    if (!names) return "No MIDI keyboard is there. Plug one in: it plays at once.";
    return `${names} ${there.length > 1 ? "play" : "plays"} now.`;
  }

  return { makeGrid, makeHands, nameKeys, listenToKeys, listenToMidi };
})();

if (typeof module !== "undefined") module.exports = stageHands;
