"use strict";
// What a session keeps, and the file it ends in.

const FORMAT = "user-study-answers/1";

// The browser's memory, which may be switched off: then nothing is kept, and `works` says so.
const browserStore = (study) => ({
  works: true,
  key: (code) => `user-study:${study}:${code}`,
  get(key) { try { return localStorage.getItem(key); } catch { this.works = false; return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { this.works = false; } },
  remove(key) { try { localStorage.removeItem(key); } catch { this.works = false; } },
});

// at: the trial on screen; times in milliseconds (started, finished: since 1970); chosen: position 1, 2, ...
const freshState = (count) => ({
  at: 0, started: Date.now(), finished: null, width: Math.round(window.innerWidth),
  answers: Array.from({ length: count }, () => ({ chosen: null, ms: 0, changes: 0, compared: 0 })),
});

// What lies in the browser's store may be damaged or be somebody's joke: keep it only if it is whole.
function readState(text, count, positions) {
  const whole = (x) => Number.isSafeInteger(x) && x >= 0;
  const answered = (a) => whole(a.chosen) && a.chosen >= 1 && a.chosen <= positions;
  const sound = (a) => a && whole(a.ms) && whole(a.changes) && whole(a.compared) && (a.chosen === null || answered(a));
  try {
    const kept = JSON.parse(text);
    return whole(kept.at) && kept.at <= count && whole(kept.started) && whole(kept.width)
      && Array.isArray(kept.answers) && kept.answers.length === count && kept.answers.every(sound)
      && kept.answers.slice(0, kept.at).every(answered)
      && (kept.at === count ? whole(kept.finished) : kept.finished === null) ? kept : null;
  } catch { return null; }
}

// The checksum covers the canonical list, in this order; lib/evaluation/user_study/answers.py builds the same text.
function answersText(data, rater, trials, state) {
  const rows = trials.map(([face, shown], i) => ({ trial: i + 1, face, shown, ...state.answers[i] }));
  const answers = { format: FORMAT, study: data.study, plan: data.plan, rater, simulated: false,
                    started: state.started, finished: state.finished, width: state.width, trials: rows };
  const canonical = [answers.format, answers.study, answers.plan, answers.rater, answers.simulated,
                     answers.started, answers.finished, answers.width,
                     rows.map((r) => [r.trial, r.face, r.shown, r.chosen, r.ms, r.changes, r.compared])];
  return JSON.stringify({ ...answers, checksum: sha256(JSON.stringify(canonical)) }, null, 1);
}
