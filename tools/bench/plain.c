/* One online training step of the book's networks in plain C, for the benchmark.
 *
 * The same learning rule as lstm_from_scratch/gradient.py, written down without any care for speed:
 * one loop for each formula, libm's exp. The sizes are constants where `step` is called, so that the
 * compiler may use them. bench.py compiles it with -O3 -march=native -ffast-math and compares one
 * step with the NumPy form before it measures anything.
 */
#include <math.h>
#include <string.h>

#define MOST_SOURCES 64
#define MOST_UNITS 64

typedef struct {
    double hidden[MOST_UNITS][MOST_SOURCES], hidden_velocity[MOST_UNITS][MOST_SOURCES];
    double output[MOST_UNITS][MOST_SOURCES], output_velocity[MOST_UNITS][MOST_SOURCES];
    double cell_partial[MOST_UNITS][MOST_SOURCES];
    double input_partial[MOST_UNITS][MOST_SOURCES], forget_partial[MOST_UNITS][MOST_SOURCES];
    double state[MOST_UNITS], cell_output[MOST_UNITS];
    double rate, momentum, g_low, g_high, h_low, h_high;
} Voice;

static double logistic(double x) { return 1.0 / (1.0 + exp(-x)); }

static void update(double *weight, double *velocity, const Voice *v, double gradient)
{
    *velocity = v->momentum * *velocity - v->rate * gradient;
    *weight += *velocity;
}

/* Hidden units: input gates, forget gates, output gates, cells; cell c belongs to block c / cells. */
static inline void step(Voice *v, int inputs, int others, int blocks, int cells,
                        const double *input, const double *other, const double *target)
{
    const int units = blocks * cells, hidden = 3 * blocks + units;
    const int sources = inputs + others + units + 1, output_sources = inputs + units + 1;
    double source[MOST_SOURCES], output_source[MOST_SOURCES], net[MOST_UNITS];
    double before[MOST_UNITS], candidate[MOST_UNITS], squashed[MOST_UNITS];
    double delta[MOST_UNITS], into_cell[MOST_UNITS], state_error[MOST_UNITS];

    for (int n = 0; n < inputs; n++) source[n] = output_source[n] = input[n];
    for (int n = 0; n < others; n++) source[inputs + n] = other[n];
    for (int c = 0; c < units; c++) source[inputs + others + c] = v->cell_output[c];
    source[sources - 1] = 1.0;

    for (int u = 0; u < hidden; u++) {
        double sum = 0.0;
        for (int m = 0; m < sources; m++) sum += v->hidden[u][m] * source[m];
        net[u] = logistic(sum);
    }
    for (int c = 0; c < units; c++) {
        int b = c / cells;
        candidate[c] = v->g_low + (v->g_high - v->g_low) * net[3 * blocks + c];
        before[c] = v->state[c];
        v->state[c] = net[blocks + b] * before[c] + net[b] * candidate[c];
        squashed[c] = v->h_low + (v->h_high - v->h_low) * logistic(v->state[c]);
        v->cell_output[c] = net[2 * blocks + b] * squashed[c];
    }
    for (int n = 0; n < inputs; n++) output_source[n] = source[n];
    for (int c = 0; c < units; c++) output_source[inputs + c] = v->cell_output[c];
    output_source[output_sources - 1] = 1.0;
    for (int k = 0; k < inputs; k++) {
        double sum = 0.0;
        for (int m = 0; m < output_sources; m++) sum += v->output[k][m] * output_source[m];
        delta[k] = logistic(sum) - target[k];
    }

    for (int c = 0; c < units; c++) {
        into_cell[c] = 0.0;
        for (int k = 0; k < inputs; k++) into_cell[c] += v->output[k][inputs + c] * delta[k];
        double slope = (squashed[c] - v->h_low) * (v->h_high - squashed[c]) / (v->h_high - v->h_low);
        state_error[c] = into_cell[c] * net[2 * blocks + c / cells] * slope;
    }
    for (int c = 0; c < units; c++) {
        int b = c / cells;
        double i = net[b], f = net[blocks + b];
        double slope =
            (candidate[c] - v->g_low) * (v->g_high - candidate[c]) / (v->g_high - v->g_low);
        for (int m = 0; m < sources; m++) {
            v->cell_partial[c][m] = f * v->cell_partial[c][m] + i * slope * source[m];
            v->input_partial[c][m] =
                f * v->input_partial[c][m] + candidate[c] * i * (1.0 - i) * source[m];
            v->forget_partial[c][m] =
                f * v->forget_partial[c][m] + before[c] * f * (1.0 - f) * source[m];
        }
    }

    for (int k = 0; k < inputs; k++)
        for (int m = 0; m < output_sources; m++)
            update(&v->output[k][m], &v->output_velocity[k][m], v, delta[k] * output_source[m]);
    for (int b = 0; b < blocks; b++) {
        double o = net[2 * blocks + b], gate_error = 0.0;
        for (int c = b * cells; c < (b + 1) * cells; c++) gate_error += into_cell[c] * squashed[c];
        gate_error *= o * (1.0 - o);
        for (int m = 0; m < sources; m++) {
            double by_input = 0.0, by_forget = 0.0;
            for (int c = b * cells; c < (b + 1) * cells; c++) {
                by_input += state_error[c] * v->input_partial[c][m];
                by_forget += state_error[c] * v->forget_partial[c][m];
            }
            update(&v->hidden[b][m], &v->hidden_velocity[b][m], v, by_input);
            update(&v->hidden[blocks + b][m], &v->hidden_velocity[blocks + b][m], v, by_forget);
            update(&v->hidden[2 * blocks + b][m], &v->hidden_velocity[2 * blocks + b][m], v,
                   gate_error * source[m]);
        }
    }
    for (int c = 0; c < units; c++)
        for (int m = 0; m < sources; m++)
            update(&v->hidden[3 * blocks + c][m], &v->hidden_velocity[3 * blocks + c][m], v,
                   state_error[c] * v->cell_partial[c][m]);
}

/* Experiment 1: one voice over and over a chorus of `length` steps of 12 units. */
void experiment_1(Voice *chords, const double *roll, long length, long steps)
{
    for (long t = 0; t < steps; t++)
        step(chords, 12, 0, 4, 2, roll + 12 * (t % length), 0, roll + 12 * ((t + 1) % length));
}

/* Experiment 2: chords, and a melody that reads what the chord cells said one step before. */
void experiment_2(Voice *chords, Voice *melody, const double *roll, long length, long steps)
{
    double heard[8];
    for (long t = 0; t < steps; t++) {
        const double *now = roll + 25 * (t % length), *next = roll + 25 * ((t + 1) % length);
        memcpy(heard, chords->cell_output, sizeof heard);
        step(chords, 12, 0, 4, 2, now, 0, next);
        step(melody, 13, 8, 4, 2, now + 12, heard, next + 12);
    }
}

long size_of_voice(void) { return sizeof(Voice); }
