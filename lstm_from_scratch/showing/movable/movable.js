// A movable figure: finds the figures of one kind, shows their controls, hands them to their script.
(() => {
  "use strict";

  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

  /** A number as page.number writes it. */
  function number(value) {
    const size = Math.abs(value);
    const signed = (text) => text.replace(/-/g, "−");
    if (size === 0 || (size >= 1e-3 && size < 1e4)) {
      return signed(size < 100 ? String(Number(value.toPrecision(2))) : value.toFixed(0));
    }
    const [digits, power] = value.toExponential(1).split("e");
    const raised = String(Number(power)).replace(/\d/g, (digit) => RAISED[digit]).replace("-", "⁻");
    return signed(`${digits} × 10${raised}`);
  }

  /** Begin with every figure of a kind that no other copy of this script has begun with. */
  function begin(kind, start) {
    for (const root of document.querySelectorAll(`.movable.${kind}:not([data-moves])`)) {
      root.dataset.moves = "";
      const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
      start(root, data, (what) => root.querySelector(what));
      root.querySelector(".controls").hidden = false;
      // JupyterLab takes keys for its own unless the focused element says no.
      for (const control of root.querySelectorAll("button, input")) {
        control.dataset.lmSuppressShortcuts = true;
      }
    }
  }

// <figure>
})();
