  begin("outcomes", (root, data, find) => {
    const which = find(".which"), choices = [...root.querySelectorAll(".panel-choice")];
    const name = `choice-${Math.random().toString(36).slice(2)}`; // of this figure alone
    for (const choice of choices) choice.name = name;
    let chosen = data.chosen;

    function show() {
      const place = Number(which.value), said = data.said[chosen][place];
      for (const panel of root.querySelectorAll(".panel")) {
        panel.style.display = panel.dataset.name === chosen ? "" : "none";
        [...panel.children].forEach((runs, at) => runs.classList.toggle("lit", at === place));
      }
      [...root.querySelectorAll(".column")].forEach((column, at) => {
        column.classList.toggle("lit", at === place);
      });
      which.nextElementSibling.textContent = data.labels[place];
      which.setAttribute("aria-valuetext", said);
      find(".said").textContent = said;
      find("svg").setAttribute("aria-label", `A dot for each training. ${data.said[chosen].join(" ")}`);
    }

    which.addEventListener("input", show);
    for (const choice of choices) {
      choice.addEventListener("change", () => {
        chosen = choice.value;
        show();
      });
    }
    find("svg").addEventListener("click", (event) => {
      const { left, width, whole } = data.place, box = find("svg").getBoundingClientRect();
      const x = ((event.clientX - box.left) * whole) / box.width;
      which.value = Math.floor((x - left) / width);
      show();
    });
    root.movable = { show };
    show();
  });
