  begin("decay", (root, data, find) => {
    const [weight, output] = [find(".weight"), find(".held")];
    const [line, picture] = [find(".line"), find("svg")];
    const { left, top, across, decade, highest, steps } = data.plane;

    /** What is left of an error 0, 1, ... steps back: each step multiplies by the weight and the slope. */
    function flow() {
      const found = [1], factor = Number(weight.value) * (1 - Number(output.value) ** 2);
      while (found.length < steps) found.push(found.at(-1) * factor);
      return found;
    }

    function move() {
      const found = flow(), factor = found[1];
      const points = found.map((value, step) => {
        const power = value > 0 ? Math.max(Math.log10(value), -400) : -400;
        return `${(left + across * step).toFixed(1)} ${(top + decade * (highest - power)).toFixed(1)}`;
      });
      line.setAttribute("d", `M${points.join("L")}`);
      weight.nextElementSibling.textContent = Number(weight.value).toFixed(2);
      output.nextElementSibling.textContent = Number(output.value).toFixed(2);
      find(".factor").textContent = factor.toFixed(2);
      for (const part of root.querySelectorAll("[data-back]")) {
        part.textContent = number(found[part.dataset.back]);
      }
      const told = `factor ${factor.toFixed(2)} a step; after 16 steps ${number(found[16])} is left`;
      weight.setAttribute("aria-valuetext", `${Number(weight.value).toFixed(2)}: ${told}`);
      output.setAttribute("aria-valuetext", `${Number(output.value).toFixed(2)}: ${told}`);
      picture.setAttribute("aria-label", `${data.seen} One unit: ${told}, after ${steps - 1} steps ` +
        `${number(found[steps - 1])}.`);
    }

    /** From where a finger is on the picture: the weight whose line passes there. */
    function drag(event) {
      const box = picture.getBoundingClientRect(), scale = data.width / box.width;
      const step = Math.max(1, ((event.clientX - box.left) * scale - left) / across);
      const power = highest - ((event.clientY - box.top) * scale - top) / decade;
      const wanted = 10 ** (power / step) / (1 - Number(output.value) ** 2);
      weight.value = Math.min(Number(weight.max), wanted).toFixed(2);
      move();
    }

    // A finger that comes down to scroll the page moves nothing.
    picture.addEventListener("pointerdown", (event) => {
      picture.setPointerCapture(event.pointerId);
      if (event.pointerType === "mouse") drag(event);
    });
    picture.addEventListener("click", drag);
    picture.addEventListener("pointermove", (event) => {
      if (picture.hasPointerCapture(event.pointerId)) drag(event);
    });
    for (const slider of [weight, output]) slider.addEventListener("input", move);
    root.movable = { flow, move };
    move();
  });
