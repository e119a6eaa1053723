// The blind test of listening.py: shuffles the pieces, counts the ratings, tells which was which.
//
// The places in the page stay where they are, with their numbers and buttons; what moves from one
// to another is the sound. Ratings are nowhere but in the buttons themselves.
(() => {
  "use strict";

  function shuffled(count) {
    const order = [...Array(count).keys()];
    for (let last = count - 1; last > 0; last--) {
      const other = Math.floor(Math.random() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }

  function add(parent, name, text = "", attributes = {}) {
    const element = document.createElement(name);
    element.textContent = text;
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return parent.appendChild(element);
  }

  // For eyes, keyboard and screen reader alike.
  function goTo(heading) {
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  }

  // JupyterLab takes keys for its own, "b" for a new cell, unless the focused element says no.
  function own(control) {
    control.dataset.lmSuppressShortcuts = true;
    return control;
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const written = (value) => (Number.isNaN(value) ? "–" : value.toFixed(1));

  function start(root) {
    const find = (what) => root.querySelector(what);
    const data = JSON.parse(find("script[type='application/json']").textContent);
    const cards = [...root.querySelectorAll(".piece")];
    const players = cards.map((card) => card.querySelector("audio"));
    const sounds = players.map((player) => player.src);
    const [done, reveal, result] = [find(".done"), find(".reveal"), find(".result")];
    const [table, text, copied] = [find(".result table"), find("textarea"), find(".copied")];
    let order = []; // which sound each place has

    // The rating of a place, or nothing.
    function rating(place, question) {
      const chosen = cards[place].querySelector(`[data-question="${question}"] input:checked`);
      return chosen ? Number(chosen.value) : undefined;
    }

    const ratings = (places, question) =>
      places.map((place) => rating(place, question)).filter((value) => value !== undefined);

    const complete = () =>
      cards.filter((_, place) => data.questions.every((question) => rating(place, question))).length;

    const sourceOf = (place) => data.sources[data.key[order[place]][0]];
    const numberOf = (place) => data.key[order[place]][1];

    // Where the pieces of a source are, in the order in which it played them.
    function placesOf(source) {
      return [...order.keys()]
        .filter((place) => data.key[order[place]][0] === source)
        .sort((one, other) => numberOf(one) - numberOf(other));
    }

    // ---- Rating --------------------------------------------------------------------------------

    function begin() {
      order = shuffled(cards.length);
      cards.forEach((card, place) => {
        players[place].pause();
        players[place].src = sounds[order[place]];
        card.querySelector(".was").hidden = true;
        for (const button of card.querySelectorAll("input")) button.checked = false;
        for (const set of card.querySelectorAll("fieldset")) set.disabled = false;
      });
      result.hidden = true;
      find(".finish").hidden = false;
      count();
    }

    function count() {
      const rated = complete();
      const all = rated === cards.length;
      const words = `${all ? `All ${rated}` : `${rated} of ${cards.length}`} pieces are rated.`;
      reveal.disabled = rated === 0;
      find(".hint").hidden = all;
      if (done.textContent !== words) done.textContent = words; // or it would be spoken again
    }

    // ---- Which was which -----------------------------------------------------------------------

    function show() {
      cards.forEach((card, place) => {
        const was = card.querySelector(".was");
        was.textContent = `${sourceOf(place)} ${numberOf(place)}`;
        was.hidden = false;
        for (const set of card.querySelectorAll("fieldset")) set.disabled = true;
      });
      for (const body of table.querySelectorAll("tbody")) body.remove();
      data.sources.forEach((source, index) => rows(source, placesOf(index)));
      find(".gap").textContent = gap();
      text.value = asText();
      copied.textContent = "";
      find(".finish").hidden = true;
      result.hidden = false;
      goTo(result.querySelector("h3"));
    }

    function rows(source, places) {
      const body = add(table, "tbody");
      const head = add(body, "tr");
      add(head, "th", source, { scope: "rowgroup" });
      for (const question of data.questions) {
        add(head, "td", written(mean(ratings(places, question))));
      }
      for (const place of places) {
        const row = add(body, "tr");
        const name = add(row, "th", "", { scope: "row" });
        const button = own(add(name, "button", "", { type: "button", "data-plays": place }));
        button.addEventListener("click", () => {
          if (players[place].paused) players[place].play().catch(() => {});
          else players[place].pause();
        });
        add(name, "span", `Piece ${place + 1}`);
        for (const question of data.questions) add(row, "td", rating(place, question) ?? "–");
        label(place);
      }
    }

    // How far the sources lie apart, beside what a die would have done.
    function gap() {
      if (!data.dice || complete() < cards.length) return "";
      const apart = data.questions.map((question) => {
        const means = data.sources.map((_, source) => mean(ratings(placesOf(source), question)));
        return `${written(Math.max(...means) - Math.min(...means))} points apart in ${question}`;
      });
      const [average, rare] = data.dice;
      const seldom = rare > 4 ? "" : `, and ${written(rare)} or more in fewer than one case of twenty`;
      return `Your best and your worst source lie ${apart.join(" and ")}. If a die with five sides ` +
        `had rated, they would lie ${written(average)} apart on average${seldom}.`;
    }

    function asText() {
      const lines = [["source", "number", "piece", ...data.questions]];
      data.sources.forEach((source, index) => {
        for (const place of placesOf(index)) {
          const given = data.questions.map((question) => rating(place, question) ?? "");
          lines.push([source, numberOf(place), place + 1, ...given]);
        }
      });
      return lines.map((line) => line.join("\t")).join("\n");
    }

    async function copy() {
      text.select();
      let there = true;
      try {
        await navigator.clipboard.writeText(text.value);
      } catch { // not allowed, or a page that came over plain http
        there = document.execCommand("copy");
      }
      copied.textContent = there ? "Copied." : "Not copied: the text is selected, copy it by hand.";
    }

    // ---- Sound ---------------------------------------------------------------------------------

    function label(place) {
      const button = find(`[data-plays="${place}"]`);
      if (!button) return;
      const paused = players[place].paused;
      button.textContent = paused ? "▶" : "❚❚";
      button.setAttribute("aria-label", `${paused ? "Play" : "Pause"} piece ${place + 1}`);
    }

    players.forEach((player, place) => {
      const bar = cards[place].querySelector(".bar");
      const tell = () => {
        const now = Math.min(data.last, Math.floor(player.currentTime / data.bar + 0.001));
        bar.textContent = `bar ${(now % data.bars) + 1}`;
        bar.hidden = player.paused;
      };
      player.addEventListener("timeupdate", tell);
      for (const change of ["play", "pause", "ended", "emptied"]) { // the last: begun again
        player.addEventListener(change, () => {
          tell();
          label(place);
        });
      }
      player.addEventListener("play", () => {
        for (const other of players) if (other !== player) other.pause();
      });
    });

    for (const control of root.querySelectorAll("input, button, textarea, audio, h3")) own(control);
    root.addEventListener("change", count);
    reveal.addEventListener("click", show);
    find(".copy").addEventListener("click", copy);
    find(".again").addEventListener("click", () => {
      begin();
      goTo(cards[0].querySelector("h3"));
    });
    find(".key").remove();
    root.dataset.started = true;
    begin();
  }

  for (const root of document.querySelectorAll(".listening:not([data-started])")) start(root);
})();
