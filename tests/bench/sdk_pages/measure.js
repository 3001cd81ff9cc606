// What a page of the benchmark measures. The page calls `applied` after each slice, with whether the last entry was in it.
let began = 0;
let task = 0;
let frame = 0;
let measuring = 0;
let done;

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) task = Math.max(task, duration);
}).observe({ type: 'longtask' });

const frames = (run, last) => (now) => {
  if (run !== measuring) return;
  frame = Math.max(frame, now - last);
  requestAnimationFrame(frames(run, now));
};

globalThis.measure = {
  // How often a listener was called.
  calls: 0,
  start() {
    began = task = frame = this.calls = 0;
    measuring += 1;
    requestAnimationFrame(frames(measuring, performance.now()));
    this.result = new Promise((resolve) => (done = resolve));
  },
  applied(complete) {
    began ||= performance.now();
    if (!complete) return;
    measuring += 1;
    const seconds = (performance.now() - began) / 1000;
    // The observer is told some time later.
    setTimeout(() => done({ seconds, task, frame, calls: this.calls }), 200);
  },
  // Replaced by the page: hang listeners on the document, on every level, or nowhere.
  listen() {},
};
