// What moves in the player: the playhead, the values beside the rows, the controls.
//
// The sound is made of the notes (sound.js) when somebody comes near the player, and played from a
// WAV, one for each mixture of chords and melody that is asked for.
(() => {
  "use strict";

  // One sound at a time, whatever the page holds beside our players.
  if (!document.performancesTakeTurns) {
    document.performancesTakeTurns = true;
    document.addEventListener("play", (event) => {
      for (const other of document.querySelectorAll("audio, video")) {
        const ours = [other, event.target].some((one) => one.closest(".performance"));
        if (ours && other !== event.target) other.pause();
      }
    }, true);
  }

  function written(number) {
    const size = Math.abs(number);
    return number.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0).replace("-", "−");
  }

  const pressed = (button) => button.getAttribute("aria-pressed") === "true";

  function start(root) {
    const find = (what) => root.querySelector(what);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const audio = find("audio");
    const [seek, tempo, scroll] = [find(".seek input"), find(".tempo input"), find(".scroll")];
    const [across, head, thumb] = [find(".across"), find(".head"), find(".seek i")];
    const [toggle, loop] = [find(".play-pause"), find(".loop")];
    const parts = [...root.querySelectorAll(".part")];
    const keys = [...root.querySelectorAll(".key")];
    const values = [...root.querySelectorAll(".value")];
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const steps = data.where.length;
    const end = data.times[steps];

    let at = 0; // where the music stands, in seconds of the score at its own tempo
    let step = -1; // the step under the playhead
    let playing; // what is shown: it follows the sound, by `sync` alone
    let changing = false; // another sound is being loaded
    let resume = false; // and is to be played as soon as it is there
    let next = 0; // the next frame, as the browser calls it
    let hands = 0; // until when the picture is left where the reader has scrolled it
    let channels = null; // chords and melody, as soon as they are wanted
    const sounds = {}; // addresses of the mixtures made so far

    function stepAt(time) {
      const exact = time + 0.002; // a browser may round a place down
      let found = exact < data.times[Math.max(step, 0)] ? 0 : Math.max(step, 0);
      while (found < steps - 1 && data.times[found + 1] <= exact) found++;
      return found;
    }

    // ---- Showing -------------------------------------------------------------------------------

    function describe() {
      const half = data.where[step].replace("½", " and a half");
      seek.value = step;
      seek.setAttribute("aria-valuetext", [half, data.chord[step], data.note[step]]
        .filter(Boolean).join(", "));
    }

    function show() {
      const now = stepAt(at);
      if (now !== step) {
        step = now;
        root.dataset.step = step;
        head.style.left = `${(100 * step) / steps}%`;
        find(".now .chord").textContent = data.chord[step] || "–";
        find(".now .pitch").textContent = data.note[step];
        find(".now .where").textContent = data.where[step];
        keys.forEach((key, i) => key.classList.toggle("on", data.keys[i][step] === "1"));
        values.forEach((value, i) => (value.textContent = written(data.rows[i][step])));
        // A screen reader would speak eight times a bar: while the music plays and the slider has
        // the focus, the slider is still.
        if (!playing || document.activeElement !== seek) describe();
      }
      const length = data.times[step + 1] - data.times[step];
      const part = Math.max(0, Math.min(1, (at - data.times[step]) / length));
      head.firstChild.style.left = calm.matches ? "0" : `${100 * part}%`;
      const whole = (100 * (step + (calm.matches ? 0 : part))) / steps;
      thumb.style.left = `${whole}%`;
      thumb.parentElement.style.setProperty("--played", `${whole}%`);
    }

    function follow(always) {
      const room = scroll.clientWidth;
      if (across.offsetWidth <= room || (!always && performance.now() < hands)) return;
      const place = head.offsetLeft + head.firstChild.offsetLeft - scroll.scrollLeft;
      // On the way the playhead rests at two fifths; for who wants less motion, pages are turned.
      if (playing && !calm.matches) scroll.scrollLeft += place - 0.4 * room;
      else if (place < 0 || place > 0.9 * room) scroll.scrollLeft += place - 0.1 * room;
    }

    // Where the sound is, the picture goes, in each frame. Where no frames are drawn, as in a tab
    // behind others, the sound itself calls four times a second.
    function tick() {
      if (!playing) return;
      if (audio.readyState && !changing) at = audio.currentTime;
      if (pressed(loop) && at >= end) jump(0);
      show();
      follow(false);
    }

    function frame() {
      tick();
      next = requestAnimationFrame(frame);
    }

    // ---- Moving --------------------------------------------------------------------------------

    function jump(to) {
      at = data.times[Math.max(0, Math.min(steps - 1, to))];
      if (audio.readyState && !changing) audio.currentTime = at;
      show();
    }

    function go(to) {
      hands = 0;
      jump(to);
      follow(true);
      describe();
    }

    // Show whether there is sound. Whoever starts or stops it, a button here, a key of the keyboard,
    // another player, its end, comes by here afterwards; nothing else changes what is shown.
    function sync() {
      const now = changing ? resume : !audio.paused;
      if (now === playing) return;
      tick();
      playing = now;
      root.dataset.playing = now;
      toggle.querySelector("b").textContent = now ? "Pause" : "Play";
      cancelAnimationFrame(next);
      if (now) next = requestAnimationFrame(frame);
      else describe();
    }

    function play() {
      prepare();
      if (at >= end) jump(0);
      hands = 0;
      resume = changing;
      audio.play().catch(sync);
      sync();
    }

    function pause() {
      resume = false;
      audio.pause();
      sync();
    }

    // ---- Sound ---------------------------------------------------------------------------------

    const heard = () => parts.filter(pressed);

    function prepare() {
      if (channels) return;
      channels = document.performanceSound.synthesise(data.sound, data.times);
      mix();
    }

    function mix() {
      const wanted = heard().map((part) => Number(part.dataset.part));
      root.dataset.heard = heard().map((part) => part.textContent.toLowerCase()).join(" ");
      if (!channels) return;
      const silence = new Float32Array(channels[0].length);
      const played = wanted.length ? wanted.map((i) => channels[i]) : [silence];
      sounds[wanted] ??= document.performanceSound.wav(played, data.sound.rate);
      if (audio.src === sounds[wanted]) return;
      if (audio.readyState && !changing) at = audio.currentTime;
      if (!changing) resume = !audio.paused;
      changing = true;
      audio.src = sounds[wanted]; // first, or the MP3 would be loaded
      audio.preload = "auto";
      audio.load();
      if (resume) audio.play().catch(sync); // where nothing loads before it is asked to play
    }

    audio.addEventListener("loadedmetadata", () => {
      changing = false;
      audio.preservesPitch = true;
      audio.playbackRate = Number(tempo.value);
      audio.currentTime = at;
      if (resume) play();
      else sync();
    });
    audio.addEventListener("error", () => {
      changing = false;
      sync();
    });
    audio.addEventListener("timeupdate", tick);
    audio.addEventListener("play", sync);
    audio.addEventListener("pause", () => {
      if (audio.paused) resume = false;
      if (!audio.ended || !pressed(loop)) sync(); // else it goes on in a moment: see below
    });
    audio.addEventListener("ended", () => {
      if (pressed(loop)) {
        jump(0);
        play();
      } else sync();
    });
    audio.addEventListener("seeked", () => {
      if (changing || Math.abs(audio.currentTime - at) < 0.2) return; // as it was sent there
      at = audio.currentTime;
      show();
    });

    // ---- What the reader does ------------------------------------------------------------------

    toggle.addEventListener("click", () => (playing ? pause() : play()));
    for (const button of [loop, ...parts]) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", !pressed(button));
        mix();
      });
    }
    tempo.addEventListener("input", () => {
      const beats = Math.round(data.tempo * tempo.value);
      audio.playbackRate = Number(tempo.value);
      tempo.nextElementSibling.textContent = beats;
      tempo.setAttribute("aria-valuetext", `${beats} beats a minute`);
    });
    seek.addEventListener("input", () => go(Number(seek.value)));
    seek.addEventListener("focus", describe);
    across.addEventListener("click", (event) => {
      const { left, width } = across.getBoundingClientRect();
      go(Math.floor((steps * (event.clientX - left)) / width));
      seek.focus({ preventScroll: true });
    });
    for (const kind of ["wheel", "touchmove", "pointerdown"]) {
      scroll.addEventListener(kind, () => (hands = performance.now() + 3000), { passive: true });
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const moves = {
        ArrowLeft: step - 1,
        ArrowRight: step + 1,
        ArrowDown: step - data.bar,
        ArrowUp: step + data.bar,
        PageDown: step - data.bar,
        PageUp: step + data.bar,
        Home: 0,
        End: steps - 1,
      };
      if (event.key === " " && event.target.localName !== "button") {
        if (!event.repeat) toggle.click();
      } else if (event.key in moves && event.target !== tempo) go(moves[event.key]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    // JupyterLab takes keys for its own, "b" for a new cell, unless the focused element says no.
    for (const control of root.querySelectorAll("button, input, .scroll")) {
      control.dataset.lmSuppressShortcuts = true;
    }
    for (const hidden of root.querySelectorAll("[hidden]")) hidden.hidden = false;
    audio.hidden = true;
    tempo.dispatchEvent(new Event("input"));
    show();
    sync();
    mix();
    for (const kind of ["pointerenter", "focusin"]) {
      root.addEventListener(kind, prepare, { once: true });
    }
  }

  for (const root of document.querySelectorAll(".performance:not([data-step])")) start(root);
})();
