  begin("latch", (root, data, find) => {
    const sliders = [...root.querySelectorAll(".sliders input")];
    const { plane, rows, touches } = data;
    const sigma = (net) => 1 / (1 + Math.exp(-net));
    const squash = (net, [low, high]) => low + (high - low) * sigma(net);
    const nets = () => sliders.map((slider) => Number(slider.value));
    let record = [];

    /** One step of a block with one cell, from its net inputs and what it held. */
    function forward([input, forget, output, net], held) {
      const step = {
        input_gate: sigma(input), forget_gate: sigma(forget), output_gate: sigma(output),
        net, candidate: squash(net, data.g),
      };
      step.cell_state = step.forget_gate * held + step.input_gate * step.candidate;
      step.squashed_state = squash(step.cell_state, data.h);
      step.cell_output = step.output_gate * step.squashed_state;
      return step;
    }

    const held = () => record.at(-1)?.cell_state ?? 0;

    /** Two digits; more of them where a gate is all but open or shut. */
    function told(value) {
      const near = Math.abs(value - Math.round(value));
      return value.toFixed(near > 0 && near < 0.005 && Math.abs(value) < 1.5 ? 5 : 2).replace("-", "−");
    }

    /** The block as it is about to be: gates where the sliders are, and what the last step left. */
    function show() {
      const next = forward(nets(), held()), last = record.at(-1);
      for (const slider of sliders) {
        const value = told(Number(slider.value)).replace(/\.?0+$/, "");
        slider.nextElementSibling.textContent = value;
      }
      ["input_gate", "forget_gate", "output_gate"].forEach((gate, unit) => {
        find(`.open.${gate}`).setAttribute("width", data.gate * next[gate]);
        find(`text.${gate} .value`).textContent = told(next[gate]);
        sliders[unit].setAttribute("aria-valuetext", `${sliders[unit].value}: gate ${told(next[gate])}`);
      });
      sliders[3].setAttribute("aria-valuetext", `${sliders[3].value}: offers ${told(next.candidate)}`);
      for (const name of ["net", "candidate"]) find(`.value.${name}`).textContent = told(next[name]);
      for (const name of ["cell_state", "squashed_state", "cell_output"]) {
        find(`.value.${name}`).textContent = told(last?.[name] ?? 0);
      }
    }

    function draw() {
      const first = data.bar * Math.ceil(Math.max(0, record.length - data.steps) / data.bar);
      const seen = record.slice(first), across = (plane.right - plane.left) / data.steps;
      root.querySelectorAll(".bar-number").forEach((number, place) => {
        number.textContent = first / data.bar + data.numbered * place + 1;
      });
      rows.forEach((name, row) => {
        const base = plane.top + row * plane.row + plane.row - 16;
        const most = Math.max(1, ...seen.map((step) => Math.abs(step[name])));
        const path = seen.map((step, at) => {
          const y = base - ((plane.row - 26) * step[name]) / most;
          return `${at ? "L" : "M"}${(plane.left + across * at).toFixed(1)} ${y.toFixed(1)}h${across.toFixed(1)}`;
        });
        find(`.trace.${name}`).setAttribute("d", path.join(""));
      });
      const last = record.at(-1);
      find("svg").setAttribute("aria-label", last
        ? `A memory block with one cell after ${record.length} steps: it holds ` +
          `${told(last.cell_state)} and lets out ${told(last.cell_output)}.`
        : "A memory block with one cell that holds nothing yet.");
      show();
    }

    function go(steps, words) {
      const before = held();
      for (let step = 0; step < steps; step++) record.push(forward(nets(), held()));
      draw();
      const { cell_state, cell_output } = record.at(-1);
      find(".said").textContent = `${words}: step ${record.length}. The cell held ${told(before)} and ` +
        `now holds ${told(cell_state)}; it lets out ${told(cell_output)}.`;
    }

    for (const button of root.querySelectorAll(".touch")) {
      button.addEventListener("click", () => {
        touches[button.textContent].forEach((net, unit) => { sliders[unit].value = net; });
        go(button.textContent === "Hold" ? 8 : 1, button.textContent);
      });
    }
    find(".once").addEventListener("click", () => go(1, "One step"));
    find(".bar").addEventListener("click", () => go(8, "Eight steps"));
    find(".again").addEventListener("click", () => {
      record = [];
      draw();
      find(".said").textContent = "The cell holds nothing. Write something.";
    });
    for (const slider of sliders) slider.addEventListener("input", show);
    root.movable = { forward };
    show(); // the traces stay those of the chapter until the reader takes a step
  });
