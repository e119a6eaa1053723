  begin("online", (root, data, find) => {
    const [back, on, again] = [find(".back"), find(".on"), find(".again")];
    const { lines, told, said } = data, last = told.length * lines.length - 1;
    const boxes = Object.fromEntries(
      [...root.querySelectorAll("[data-name]")].map((box) => [box.dataset.name, box]));
    const kept = Object.keys(boxes).filter((name) => name.endsWith("′"));
    let place = 0;

    function show() {
      const step = Math.floor(place / lines.length), line = place % lines.length;
      const { number, makes } = lines[line];
      const there = new Set([...kept, ...lines.slice(0, line + 1).flatMap((it) => Object.keys(it.makes))]);
      const reads = [...new Set(Object.values(makes).flat())].filter((name) => !(name in makes));
      for (const [name, box] of Object.entries(boxes)) {
        box.querySelector(".value").textContent = there.has(name) ? told[step][name] : "";
        box.classList.toggle("made", name in makes);
        box.classList.toggle("read", reads.includes(name));
        box.classList.toggle("later", !there.has(name));
      }
      for (const way of root.querySelectorAll(".feeds")) {
        way.classList.toggle("lit", makes[way.dataset.to]?.includes(way.dataset.from) ?? false);
      }
      [back.disabled, on.disabled] = [place === 0, place === last];
      const end = place === last ? " The state and the partials would go on from here." : "";
      const anew = step > 0 && line === 0
        ? "The state and the partials have gone over to the left. " : "";
      find(".said").textContent =
        `Step ${data.first + step}, line ${number}. ${anew}${said[step][line]}${end}`;
      find("svg").setAttribute("aria-label", `Step ${data.first + step}, line ${number}: ` +
        `${Object.keys(makes).join(", ")} made${reads.length ? ` of ${reads.join(", ")}` : ""}.`);
    }

    function go(to) {
      const had = document.activeElement;
      place = Math.min(last, Math.max(0, to));
      show();
      if (had?.disabled) (place === 0 ? on : back).focus(); // a button that goes out keeps no focus
    }

    back.addEventListener("click", () => go(place - 1));
    on.addEventListener("click", () => go(place + 1));
    again.addEventListener("click", () => go(0));
    root.movable = { data, go };
    show();
  });
