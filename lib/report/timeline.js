/**
 * The timeline of a report, as it runs in a browser: the page holds the text of this one function,
 * so it uses nothing from outside of it but the document. It is JavaScript, since Deno knows no
 * documents to check it against.
 *
 * @module
 */

/** Draws the timeline, and lets a person move, zoom and choose. */
export function timeline() {
  const byId = (id) => document.getElementById(id);
  const chart = byId("chart");
  if (chart === null) return;
  const [loadCanvas, rows, slotCanvas, room, tip, chosen] = [
    "load",
    "rows",
    "slots",
    "room",
    "tip",
    "chosen",
  ]
    .map(byId);
  const data = JSON.parse(byId("data").textContent);
  const span = Math.max(data.span, 1);

  // Of each job: its number, begin, slot, why it failed, command, phases and their times, attempts.
  const jobs = data.jobs.map(([seq, start, slot, error, command, pieces, attempts]) => {
    let end = start;
    for (let i = 1; i < pieces.length; i += 2) end += pieces[i];
    return { seq, start, end, slot, error, command, pieces, attempts };
  });
  const slots = Array.from({ length: data.slots }, () => []);
  for (const job of jobs) slots[job.slot].push(job);
  const command = data.phases.indexOf("command");
  const inFlight = stepsOf(jobs.map(({ start, end }) => [start, end]));
  const running = stepsOf(jobs.flatMap(commandsOf));

  /** When a job's command ran; several times if it was repeated. */
  function commandsOf({ start, pieces }) {
    const found = [];
    for (let i = 0, at = start; i < pieces.length; at += pieces[i + 1], i += 2) {
      if (pieces[i] === command) found.push([at, at + pieces[i + 1]]);
    }
    return found;
  }

  /** How many there are at once: the times at which that changes, and the number from then on. */
  function stepsOf(intervals) {
    const events = intervals.flatMap(([start, end]) => [[start, 1], [end, -1]])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const steps = {
      times: new Float64Array(events.length),
      counts: new Float64Array(events.length),
      most: 0,
    };
    let count = 0;
    events.forEach(([time, change], index) => {
      count += change;
      steps.times[index] = time;
      steps.counts[index] = count;
      steps.most = Math.max(steps.most, count);
    });
    return steps;
  }

  // What is seen: from and to in milliseconds, and the height of a slot.
  const view = { from: 0, to: span, width: 0, height: 0, row: 0 };
  const [left, right] = [44, 12];
  const [loadHeight, axisHeight, tallest] = [72, 26, 420];
  let current;
  let colours;
  let isDue = false;

  const x = (time) =>
    left + (time - view.from) / (view.to - view.from) * (view.width - left - right);
  const timeAt = (px) =>
    view.from + (px - left) / (view.width - left - right) * (view.to - view.from);

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    colours = {
      phases: data.phases.map((_, index) => of(`--p${index}`)),
      text: of("--text"),
      soft: of("--soft"),
      grid: of("--grid"),
      line: of("--line"),
      load: of("--load"),
      bad: of("--bad"),
      accent: of("--accent"),
    };
  }

  /** The least height of a slot lets all be seen at once, if there are not too many. */
  function rowHeight() {
    const fitting = Math.min(22, Math.max(2, (tallest - 4) / data.slots));
    return Math.min(22, fitting * Math.sqrt(span / (view.to - view.from)));
  }

  function measure() {
    view.width = rows.clientWidth;
    view.row = rowHeight();
    const whole = Math.ceil(data.slots * view.row) + 4;
    view.height = Math.min(whole, tallest);
    room.style.height = `${whole - view.height}px`;
    size(loadCanvas, view.width, loadHeight + axisHeight);
    size(slotCanvas, view.width, view.height);
  }

  function size(canvas, width, height) {
    const ratio = devicePixelRatio || 1;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    if (
      canvas.width === Math.round(width * ratio) && canvas.height === Math.round(height * ratio)
    ) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }

  function cleared(canvas) {
    const context = canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    return context;
  }

  function draw() {
    isDue = false;
    const ticks = ticksOf();
    drawLoad(ticks);
    drawSlots(ticks);
    chart.dataset.from = view.from.toFixed(3);
    chart.dataset.to = view.to.toFixed(3);
    chart.dataset.job = current?.seq ?? "";
  }

  function redraw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
  }

  /** Steps of 1, 2 or 5 times a power of ten; of minutes and hours where those are better. */
  function ticksOf() {
    const wanted = (view.to - view.from) / Math.max(2, (view.width - left) / 90);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const steps = [1, 2, 5, 10].map((factor) => factor * power);
    if (wanted > 10_000) {
      steps.unshift(15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1200e3, 1800e3, 3600e3, 7200e3);
    }
    const step = steps.filter((each) => each >= wanted).sort((a, b) => a - b)[0];
    const ticks = [];
    for (let n = Math.ceil(view.from / step - 1e-9); n * step <= view.to * (1 + 1e-12); n++) {
      ticks.push(n * step);
    }
    return { ticks, step };
  }

  function tickText(time, step) {
    if (step >= 15e3) {
      const seconds = Math.round(time / 1000);
      const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      const padded = (n) => String(n).padStart(2, "0");
      return h > 0 ? `${h}:${padded(m)}:${padded(s)}` : `${m}:${padded(s)}`;
    }
    // One unit for all, so that they can be compared.
    if (view.to >= 1000) {
      return `${(time / 1000).toFixed(Math.max(0, -Math.floor(Math.log10(step / 1000) + 1e-9)))} s`;
    }
    return `${time.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))} ms`;
  }

  function drawLoad({ ticks, step }) {
    const context = cleared(loadCanvas);
    const most = Math.max(inFlight.most, 1);
    const y = (count) => loadHeight - count / most * (loadHeight - 12);
    context.textAlign = "right";
    for (const count of most > 1 ? [0, most] : [0, 1]) {
      context.fillStyle = colours.grid;
      context.fillRect(left, Math.round(y(count)), view.width - left - right, 1);
      context.fillStyle = colours.soft;
      context.fillText(count.toLocaleString("en"), left - 8, y(count));
    }
    area(context, inFlight, y, colours.load);
    area(context, running, y, colours.accent);
    context.fillStyle = colours.soft;
    for (const time of ticks) {
      const text = tickText(time, step);
      const half = context.measureText(text).width / 2;
      context.textAlign = "center";
      context.fillRect(Math.round(x(time)), loadHeight, 1, 5);
      context.fillText(text, Math.min(Math.max(x(time), half), view.width - half), loadHeight + 15);
    }
  }

  /** The most in each column of pixels. */
  function area(context, { times, counts }, y, colour) {
    let index = 0;
    let count = 0;
    context.fillStyle = colour;
    for (let px = left; px < view.width - right; px++) {
      const until = timeAt(px + 1);
      let most = count;
      if (px === left) {
        while (index < times.length && times[index] <= view.from) count = counts[index++];
        most = count;
      }
      while (index < times.length && times[index] < until) {
        count = counts[index++];
        most = Math.max(most, count);
      }
      // A bit wider than a column: with fractions of pixels there would be seams.
      if (most > 0) context.fillRect(px, y(most), 1.1, loadHeight - y(most));
    }
  }

  function drawSlots({ ticks }) {
    const context = cleared(slotCanvas);
    const { row, from, to, width, height } = view;
    const top = rows.scrollTop;
    context.fillStyle = colours.grid;
    for (const time of ticks) context.fillRect(Math.round(x(time)), 0, 1, height);
    const gap = row >= 5 ? 1 : 0;
    const tall = Math.max(row - gap, 1);
    const rects = data.phases.map(() => []);
    const bad = [];
    const scale = (width - left - right) / (to - from);
    const first = Math.max(0, Math.floor(top / row));
    const last = Math.min(slots.length - 1, Math.floor((top + height) / row));
    for (let slot = first; slot <= last; slot++) {
      const y = slot * row - top;
      for (const job of slots[slot]) {
        if (job.end < from || job.start > to) continue;
        const begin = left + (job.start - from) * scale;
        const wide = Math.max((job.end - job.start) * scale, 1);
        if (job.error !== 0) {
          bad.push(begin, row >= 8 ? y + tall - 3 : y, wide, row >= 8 ? 3 : tall);
        }
        const { pieces } = job;
        if (wide < 2) {
          rects[longestOf(pieces)].push(begin, y, wide, tall);
          continue;
        }
        let at = begin;
        for (let i = 0; i < pieces.length; i += 2) {
          const length = pieces[i + 1] * scale;
          // What is thinner than a third of a pixel is not seen.
          if (length > 0.3) rects[pieces[i]].push(at, y, length, tall);
          at += length;
        }
      }
    }
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left - right, height);
    context.clip();
    rects.forEach((flat, phase) => fill(context, flat, colours.phases[phase]));
    fill(context, bad, colours.bad);
    if (current !== undefined) {
      const begin = x(current.start);
      context.strokeStyle = colours.text;
      context.lineWidth = 2;
      context.strokeRect(
        begin - 1,
        current.slot * row - top,
        Math.max(x(current.end) - begin, 2) + 2,
        tall,
      );
    }
    context.restore();
    drawSlotNumbers(context, first, last, top);
  }

  function longestOf(pieces) {
    let longest = 0;
    for (let i = 2; i < pieces.length; i += 2) if (pieces[i + 1] > pieces[longest + 1]) longest = i;
    return pieces[longest] ?? data.phases.length - 1;
  }

  function fill(context, flat, colour) {
    context.fillStyle = colour;
    for (let i = 0; i < flat.length; i += 4) {
      context.fillRect(flat[i], flat[i + 1], flat[i + 2], flat[i + 3]);
    }
  }

  function drawSlotNumbers(context, first, last, top) {
    const { row } = view;
    const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => each * row >= 18) ??
      2000;
    context.fillStyle = colours.soft;
    context.textAlign = "right";
    for (let slot = first; slot <= last; slot++) {
      if (slot !== 0 && (slot + 1) % every !== 0) continue;
      // The first has no room for its neighbour's number.
      if (slot > 0 && slot + 1 < 18 / row) continue;
      const y = slot * row - top + Math.min(row, 22) / 2;
      if (y > view.height - 6 && slot > 0) continue;
      context.fillText(String(slot + 1), left - 8, Math.max(y, 7));
    }
  }

  function show(from, to) {
    const wide = Math.min(Math.max(to - from, span / 1e6, 0.01), span);
    view.from = Math.min(Math.max(from, 0), span - wide);
    view.to = view.from + wide;
    redraw();
  }

  /** Zooms around a place, which stays where it is; more than 1 comes nearer. */
  function zoom(factor, px = (left + view.width - right) / 2, py = view.height / 2) {
    const time = timeAt(px);
    const slot = (rows.scrollTop + py) / view.row;
    show(time - (time - view.from) / factor, time + (view.to - time) / factor);
    measure();
    rows.scrollTop = slot * view.row - py;
  }

  function pan(pixels) {
    const time = pixels / (view.width - left - right) * (view.to - view.from);
    show(view.from + time, view.to + time);
  }

  function fit() {
    show(0, span);
    measure();
    rows.scrollTop = 0;
  }

  /** The job at a place in the canvas of the slots, or a bit beside it. */
  function jobAt(px, py) {
    const slot = slots[Math.floor((rows.scrollTop + py) / view.row)];
    if (slot === undefined || px < left) return undefined;
    const near = 3 * (view.to - view.from) / view.width;
    const time = timeAt(px);
    return slot.find(({ start, end }) => start <= time && time <= end) ??
      slot.find(({ start, end }) => start - near <= time && time <= end + near);
  }

  function timeText(milliseconds) {
    const digits = (amount) =>
      amount >= 99.95 ? amount.toFixed(0) : amount.toFixed(amount >= 9.995 ? 1 : 2);
    if (milliseconds === 0) return "0 s";
    return milliseconds >= 999.5
      ? `${digits(milliseconds / 1000)} s`
      : `${digits(milliseconds)} ms`;
  }

  /** What there is to tell of a job; all of it is text. */
  function describe(job) {
    const element = (name, text, className = "") => {
      const made = document.createElement(name);
      made.textContent = text;
      made.className = className;
      return made;
    };
    const box = element("div", "", "job");
    const head = element("div", "");
    const attempts = job.attempts > 1 ? `, ${job.attempts} attempts` : "";
    head.append(
      element("b", `Job ${job.seq}: ${timeText(job.end - job.start)}`),
      `, from ${timeText(job.start)} on${attempts}`,
    );
    const times = element("div", "", "times");
    const sums = new Map();
    for (let i = 0; i < job.pieces.length; i += 2) {
      sums.set(job.pieces[i], (sums.get(job.pieces[i]) ?? 0) + job.pieces[i + 1]);
    }
    for (const [phase, sum] of sums) {
      const entry = element("span", "");
      entry.append(element("i", "", `key p${phase}`), `${data.phases[phase]} ${timeText(sum)}`);
      times.append(entry, " ");
    }
    box.append(head, element("code", job.command), times);
    if (job.error !== 0) box.append(element("p", job.error, "error"));
    return box;
  }

  function hover(job, px, py) {
    tip.hidden = job === undefined;
    if (job === undefined) return;
    tip.replaceChildren(describe(job));
    const place = px + tip.offsetWidth + 16 > view.width ? px - tip.offsetWidth - 12 : px + 14;
    tip.style.left = `${Math.max(0, place)}px`;
    const y = rows.offsetTop + py;
    const below = y + 16;
    tip.style.top = `${
      below + tip.offsetHeight > chart.offsetHeight + 60 ? y - tip.offsetHeight - 10 : below
    }px`;
  }

  /** Chooses a job, and moves so that it is seen. */
  function choose(job) {
    current = job;
    chosen.replaceChildren(...(job === undefined ? [] : [describe(job)]));
    tip.hidden = true;
    if (job === undefined) return redraw();
    const wide = view.to - view.from;
    if (job.end < view.from || job.start > view.to) {
      show(job.start - wide / 3, job.start + wide * 2 / 3);
    }
    const y = job.slot * view.row;
    if (y < rows.scrollTop || y + view.row > rows.scrollTop + view.height) {
      rows.scrollTop = y - view.height / 2;
    }
    redraw();
  }

  function step(by) {
    const index = current === undefined
      ? jobs.findIndex(({ end }) => end >= view.from) - (by > 0 ? 1 : 0)
      : jobs.indexOf(current);
    choose(jobs[Math.min(Math.max(index + by, 0), jobs.length - 1)]);
  }

  /** The job of the next slot that is there at the same time, or the nearest to it. */
  function climb(by) {
    if (current === undefined) return step(1);
    const others = slots[current.slot + by] ?? [];
    const middle = (current.start + current.end) / 2;
    const distance = ({ start, end }) => Math.max(start - middle, middle - end, 0);
    const nearest = others.reduce((a, b) => distance(b) < distance(a) ? b : a, others[0]);
    if (nearest !== undefined) choose(nearest);
  }

  const keys = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => climb(-1),
    ArrowDown: () => climb(1),
    "shift ArrowLeft": () => pan(-view.width / 5),
    "shift ArrowRight": () => pan(view.width / 5),
    "+": () => zoomAtCurrent(1.5),
    "=": () => zoomAtCurrent(1.5),
    "-": () => zoomAtCurrent(1 / 1.5),
    "0": fit,
    Home: fit,
    Escape: () => choose(undefined),
  };

  /** By the keyboard, the job that is chosen is the place to come nearer to. */
  function zoomAtCurrent(factor) {
    const middle = current &&
      x((Math.max(current.start, view.from) + Math.min(current.end, view.to)) / 2);
    zoom(factor, middle && Math.min(Math.max(middle, left), view.width - right));
  }

  chart.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = event.shiftKey && event.key.startsWith("Arrow") ? "shift " : "";
    const action = keys[arrow + event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });

  chart.addEventListener("wheel", (event) => {
    const { left: x0, top: y0 } = slotCanvas.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 200), event.clientX - x0, event.clientY - y0);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(event.deltaX);
    }
  }, { passive: false });

  // Fingers and mouse: one drags, two zoom, one that did not move chooses.
  const pointers = new Map();
  let hasMoved = false;

  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.offsetX > view.width) return;
    pointers.set(event.pointerId, event);
    hasMoved = pointers.size > 1;
  });
  chart.addEventListener("pointermove", (event) => {
    const { left: x0, top: y0 } = slotCanvas.getBoundingClientRect();
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      const isOver = event.pointerType === "mouse" && event.target === slotCanvas;
      hover(
        isOver ? jobAt(event.clientX - x0, event.clientY - y0) : undefined,
        event.clientX - x0,
        event.clientY - y0,
      );
      return;
    }
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (!hasMoved && Math.hypot(dx, dy) < 4) return;
    if (!hasMoved) chart.setPointerCapture(event.pointerId);
    hasMoved = true;
    tip.hidden = true;
    chart.classList.add("moving");
    const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other === undefined) {
      pan(-dx);
      if (event.pointerType === "mouse") rows.scrollTop -= dy;
    } else {
      const distance = (point) => Math.max(Math.abs(point.clientX - other.clientX), 20);
      zoom(distance(event) / distance(before), (event.clientX + other.clientX) / 2 - x0);
    }
    pointers.set(event.pointerId, event);
  });
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    chart.classList.remove("moving");
    if (event.type === "pointerup" && !hasMoved && event.target === slotCanvas) {
      const { left: x0, top: y0 } = slotCanvas.getBoundingClientRect();
      choose(jobAt(event.clientX - x0, event.clientY - y0));
    }
  };
  chart.addEventListener("pointerup", release);
  chart.addEventListener("pointercancel", release);
  chart.addEventListener("pointerleave", () => hover(undefined));
  rows.addEventListener("scroll", redraw);

  byId("in").addEventListener("click", () => zoomAtCurrent(1.5));
  byId("out").addEventListener("click", () => zoomAtCurrent(1 / 1.5));
  byId("fit").addEventListener("click", fit);
  for (const button of document.querySelectorAll(".show")) {
    button.addEventListener("click", () => {
      choose(jobs.find(({ seq }) => seq === Number(button.dataset.seq)));
      byId("timeline").scrollIntoView();
      chart.focus({ preventScroll: true });
    });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    redraw();
  });
  new ResizeObserver(() => {
    measure();
    redraw();
  }).observe(rows);
  readColours();
  measure();
  draw();
}
