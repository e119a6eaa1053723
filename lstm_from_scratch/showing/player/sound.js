// The sound of the notes, made in the page as music/audio.py makes it, sample for sample. So a player
// weighs no more than its notes, and every place in its sound is exact: in an MP3 a browser finds
// one only to some hundredths of a second. All numbers come from there; a test compares the two.
document.performanceSound ??= (() => {
  "use strict";

  // Half to even, as Python does it.
  function rounded(number) {
    const below = Math.floor(number);
    return number - below === 0.5 ? below + (below % 2) : Math.round(number);
  }

  // From 1 to 0 along half a cosine.
  const fade = (at, samples) => 0.5 + 0.5 * Math.cos((Math.PI * (at + 1)) / samples);

  // One note held for so many samples. Each partial is a pointer that turns and shrinks.
  function tone(pitch, part, samples, rate) {
    const sound = new Float64Array(samples);
    const fundamental = 440 * 2 ** ((pitch - 69) / 12);
    for (const [multiple, amplitude, decay] of part.partials) {
      if (multiple * fundamental >= 0.45 * rate) continue;
      const angle = (2 * Math.PI * multiple * fundamental) / rate;
      const shrink = Math.exp(-1 / (decay * rate));
      const [across, up] = [shrink * Math.cos(angle), shrink * Math.sin(angle)];
      const audible = Math.min(samples, rounded(8 * decay * rate));
      for (let i = 0, x = part.level * amplitude, y = 0, turned; i < audible; i++) {
        sound[i] += y;
        turned = x * across - y * up;
        y = x * up + y * across;
        x = turned;
      }
    }
    const attack = Math.min(samples, rounded(part.attack * rate));
    for (let i = 0; i < attack; i++) sound[i] *= 1 - fade(i, attack);
    return sound;
  }

  function add(sound, part, times, rate) {
    const release = rounded(part.release * rate);
    const spans = part.notes.map(([pitch, onset, duration]) => {
      const start = rounded(times[onset] * rate);
      return [pitch, start, rounded(times[onset + duration] * rate) - start];
    });
    const longest = {};
    for (const [pitch, , held] of spans) {
      longest[pitch] = Math.max(longest[pitch] ?? 0, held + release);
    }
    const tones = {};
    for (const [pitch, start, held] of spans) {
      const one = (tones[pitch] ??= tone(pitch, part, longest[pitch], rate));
      const end = Math.min(held + release, sound.length - start);
      for (let i = 0; i < held; i++) sound[start + i] += one[i];
      for (let i = held; i < end; i++) sound[start + i] += one[i] * fade(i - held, release);
    }
  }

  // A soft burst of noise on every second beat.
  function addBrush(sound, times, rate) {
    const samples = rounded(0.09 * rate);
    const golden = (Math.sqrt(5) - 1) / 2;
    const noise = Array.from({ length: samples }, (_, i) => ((i * i * golden) % 1) - 0.5);
    for (let step = 2; step < times.length - 1; step += 4) {
      const start = rounded(times[step] * rate);
      for (let i = 0; i < samples && start + i < sound.length; i++) {
        const change = (i + 1 < samples ? noise[i + 1] : 0) - noise[i];
        const shape = Math.exp(-i / (0.025 * rate)) * (1 - Math.exp(-i / (0.004 * rate)));
        sound[start + i] += 0.12 * change * shape;
      }
    }
  }

  // By how much to multiply each hundredth of a second: equally loud for every piece, no peak above
  // the limit.
  function gains(sound, block, data) {
    const count = Math.ceil(sound.length / block);
    const [powers, peaks] = [new Float64Array(count), new Float64Array(count)];
    for (let here = 0; here < count; here++) {
      const end = Math.min((here + 1) * block, sound.length);
      let [power, peak] = [0, 0];
      for (let i = here * block; i < end; i++) {
        power += sound[i] * sound[i];
        peak = Math.max(peak, Math.abs(sound[i]));
      }
      powers[here] = power / block;
      peaks[here] = peak;
    }
    const most = powers.reduce((a, b) => Math.max(a, b), 0);
    const loud = powers.filter((power) => power > 1e-4 * most);
    if (!loud.length) return new Float64Array(count).fill(1);
    const factor = data.loudness / Math.sqrt(loud.reduce((a, b) => a + b) / loud.length);
    return peaks.map((peak, i) => {
      const around = factor * Math.max(peaks[i - 1] ?? 0, peak, peaks[i + 1] ?? 0);
      return factor * Math.min(1, data.peak / Math.max(around, data.peak));
    });
  }

  // The parts, each as loud as in their mixture: [chords, melody].
  function synthesise(data, times) {
    const length = rounded((times[times.length - 1] + data.tail) * data.rate);
    const [chords, melody] = data.parts.map((part) => {
      const sound = new Float64Array(length);
      add(sound, part, times, data.rate);
      return sound;
    });
    if (data.brush) addBrush(chords, times, data.rate);
    const mixture = new Float64Array(length);
    for (let i = 0; i < length; i++) mixture[i] = chords[i] + melody[i];
    const block = Math.floor(data.rate / 100);
    const gain = gains(mixture, block, data);
    const parts = [new Float32Array(length), new Float32Array(length)];
    for (let i = 0; i < length; i++) {
      const at = Math.min(Math.max(i / block - 0.5, 0), gain.length - 1);
      const before = Math.floor(at);
      const after = Math.min(before + 1, gain.length - 1);
      const now = gain[before] + (gain[after] - gain[before]) * (at - before);
      parts[0][i] = now * chords[i];
      parts[1][i] = now * melody[i];
    }
    return parts;
  }

  // The address of a WAV of the sum of some parts, for as long as the page is open.
  function wav(parts, rate) {
    const length = parts[0].length;
    const view = new DataView(new ArrayBuffer(44 + 2 * length));
    [..."RIFF....WAVEfmt "].forEach((letter, i) => view.setUint8(i, letter.charCodeAt(0)));
    [..."data"].forEach((letter, i) => view.setUint8(36 + i, letter.charCodeAt(0)));
    view.setUint32(4, 36 + 2 * length, true);
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true); // PCM
    view.setUint16(22, 1, true); // one channel
    view.setUint32(24, rate, true);
    view.setUint32(28, 2 * rate, true);
    view.setUint16(32, 2, true);
    view.setUint16(34, 16, true);
    view.setUint32(40, 2 * length, true);
    const [one, other] = [parts[0], parts[1] ?? new Float32Array(length)];
    for (let i = 0; i < length; i++) {
      const sample = Math.max(-1, Math.min(1, one[i] + other[i]));
      view.setInt16(44 + 2 * i, 32767 * sample, true);
    }
    return URL.createObjectURL(new Blob([view.buffer], { type: "audio/wav" }));
  }

  return { synthesise, wav };
})();
