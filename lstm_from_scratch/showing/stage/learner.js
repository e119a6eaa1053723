// What learns on the page Learn it now: in a worker, or, where a page may have none, in the page.
//
// It is sent messages and posts others; see `handle`. Between two tests it learns as many steps as
// machine.train does, and the test is the same: a free run from the first chord.
function stageLearner(post) {
  "use strict";

  let training = null, tested = null, settings = null, running = false, turn = 0;
  let totals = { errors: 0, resets: 0 };

  function begin({ id, plan, recipe, roll, every, choruses }) {
    training = stageEngine.makeTraining(plan, recipe, Float64Array.from(roll));
    tested = stageEngine.makeNetwork(plan);
    settings = { id, every, choruses, forgiven: recipe.forgiven };
    totals = { errors: 0, resets: 0 };
    running = false;
    turn++;
  }

  function round() {
    const started = performance.now();
    const tally = training.learn(settings.every, settings.forgiven || Infinity);
    const seconds = (performance.now() - started) / 1000;
    const weights = training.network.weights();
    totals.errors += tally.grossErrors;
    totals.resets += tally.resets;
    const news = {
      kind: "news", id: settings.id, steps: training.steps, seconds, ...totals, newResets: tally.resets,
      crossEntropy: tally.crossEntropy[0] / tally.steps,
    };
    if (![...weights.hidden, ...weights.output].every(Number.isFinite)) {
      running = false;
      return post({ ...news, diverged: true });
    }
    tested.setWeights(weights);
    const kept = stageEngine.recall(tested, training.roll, settings.choruses);
    const learned = kept.period > 0 || kept.steps >= settings.choruses * training.length;
    if (learned) running = false;
    post({ ...news, kept: kept.steps, period: kept.period, learned });
  }

  function work(mine) {
    if (!running || mine !== turn) return;
    round();
    setTimeout(work, 0, mine);
  }

  /**
   * begin: id (of what is posted), plan, recipe, roll, every (steps between tests), choruses (the test asks for);
   * change: a voice's learning_rate, momentum, wrong, and how many errors are forgiven (0: all);
   * go, pause; weights: answered by the network as it is; learn: so many steps at once, for tests.
   */
  return function handle(message) {
    const { kind } = message;
    if (kind === "begin") begin(message);
    if (kind === "change") {
      training.set(0, message);
      settings.forgiven = message.forgiven;
    }
    if (kind === "go" && !running) {
      running = true;
      work(++turn);
    }
    if (kind === "pause") running = false;
    if (kind === "learn") {
      training.learn(message.steps);
    }
    if (kind === "weights" || kind === "learn") {
      const { hidden, output } = training.network.weights();
      const texts = { hidden: stageEngine.text(hidden), output: stageEngine.text(output) };
      post({ kind: "weights", steps: training.steps, weights: texts, purpose: message.purpose });
    }
  };
}
