/**
 * The timeline's data: the jobs, and how many ran at each moment.
 *
 * @module
 */

/**
 * A job. Times are in milliseconds after the start of the first job.
 *
 * @typedef {object} Job
 * @property {number} seq Its number.
 * @property {number} start
 * @property {number} end
 * @property {number} slot The index of its concurrency slot.
 * @property {string | 0} error Why it failed; 0 if it succeeded.
 * @property {string} command
 * @property {number[]} pieces Pairs of a phase's index and its duration.
 * @property {number} attempts
 * @property {number} kind If it failed, the number of its kind of failure, otherwise -1.
 * @property {string} line If it failed, its input line, if that was kept.
 * @property {string} stderr The end of its standard error, if that was kept.
 * @property {number} copies
 */

/** @typedef {{ kind?: number, line?: string, stderr?: string, copies?: number }} More */

/** @typedef {[seq: number, start: number, slot: number, error: string | 0, command: string, pieces: number[], attempts: number, more?: More]} JobTuple */

/**
 * The JSON in the page, see `dataOf` in page.ts.
 *
 * @typedef {object} PageData
 * @property {string[]} phases The names of the phases.
 * @property {number} span The time from the first job's start to the last job's end.
 * @property {number} slots The number of concurrency slots.
 * @property {boolean} hasNulLines Whether the lines of the input end in NUL.
 * @property {JobTuple[]} jobs
 */

/**
 * A count over time: from `times[i]` on it is `counts[i]`.
 *
 * @typedef {object} Steps
 * @property {Float64Array} times
 * @property {Float64Array} counts
 * @property {number} max The largest count.
 */

/**
 * The visible range and the layout; lengths are in CSS pixels.
 *
 * @typedef {object} View
 * @property {number} from The time at the left edge.
 * @property {number} to The time at the right edge.
 * @property {number} width The width of the canvases.
 * @property {number} height The height of the canvas of slots.
 * @property {number} row The height of a slot.
 * @property {number} left The left margin.
 * @property {number} right The right margin.
 * @property {number} loadHeight The height of the chart of running jobs.
 * @property {number} axisHeight The height of the time axis.
 * @property {number} maxHeight The maximum height of the canvas of slots.
 */

/**
 * The theme's colors.
 *
 * @typedef {object} Colors
 * @property {string[]} phases
 * @property {string} text
 * @property {string} soft
 * @property {string} grid
 * @property {string} load
 * @property {string} bad
 * @property {string} card The color behind the chart.
 * @property {string} accent
 */

/**
 * The elements of the page.
 *
 * @typedef {object} Elements
 * @property {HTMLElement} chart
 * @property {HTMLCanvasElement} load The chart of running jobs.
 * @property {HTMLElement} rows The scrolling container of the slots.
 * @property {HTMLCanvasElement} slots
 * @property {HTMLElement} room A spacer that makes `rows` scroll.
 * @property {HTMLElement} tip The tooltip.
 * @property {HTMLElement} chosen The details of the selected job.
 * @property {HTMLElement} details The panel that contains them.
 */

/**
 * The state of the timeline.
 *
 * @typedef {object} Timeline
 * @property {Elements} elements
 * @property {string[]} phases The names of the phases.
 * @property {number} span The time that fits the whole run.
 * @property {Job[]} jobs All jobs, ordered by start.
 * @property {Job[][]} slots The jobs of each slot, ordered by start.
 * @property {Steps} inFlight The number of jobs in flight.
 * @property {Steps} running The number of commands running.
 * @property {View} view
 * @property {Colors} colors
 * @property {Job | undefined} current The selected job.
 * @property {Set<Job> | undefined} shown The jobs that the list shows; undefined for all.
 * @property {(job: Job | undefined) => void} onSelect Called when another job is selected.
 * @property {boolean} isDue Whether a frame has been requested.
 */

/**
 * Returns the state that shows a whole run.
 *
 * @param {Elements} elements
 * @param {PageData} data
 * @param {Colors} colors
 * @returns {Timeline}
 */
export function createTimeline(elements, data, colors) {
  const span = Math.max(data.span, 1);
  const jobs = data.jobs.map(readJob);
  /** @type {Job[][]} */
  const slots = Array.from({ length: data.slots }, () => []);
  for (const job of jobs) slots[job.slot].push(job);
  const command = data.phases.indexOf("command");
  return {
    elements,
    phases: data.phases,
    span,
    jobs,
    slots,
    inFlight: stepsOf(jobs.map(({ start, end }) => [start, end])),
    running: stepsOf(jobs.flatMap((job) => commandsOf(job, command))),
    view: {
      from: 0,
      to: span,
      width: 0,
      height: 0,
      row: 0,
      left: 44,
      right: 12,
      loadHeight: 72,
      axisHeight: 26,
      maxHeight: 420,
    },
    colors,
    current: undefined,
    shown: undefined,
    onSelect: () => {},
    isDue: false,
  };
}

/**
 * @param {JobTuple} tuple
 * @returns {Job}
 */
export function readJob([seq, start, slot, error, command, pieces, attempts, more = {}]) {
  let end = start;
  for (let i = 1; i < pieces.length; i += 2) end += pieces[i];
  const { kind = -1, line = "", stderr = "", copies = 0 } = more;
  return { seq, start, end, slot, error, command, pieces, attempts, kind, line, stderr, copies };
}

/**
 * Returns when a job's command ran; several intervals if it was retried.
 *
 * @param {Job} job
 * @param {number} command The index of the phase "command".
 * @returns {[start: number, end: number][]}
 */
export function commandsOf({ start, pieces }, command) {
  /** @type {[number, number][]} */
  const found = [];
  for (let i = 0, at = start; i < pieces.length; at += pieces[i + 1], i += 2) {
    if (pieces[i] === command) found.push([at, at + pieces[i + 1]]);
  }
  return found;
}

/**
 * Counts the intervals that overlap at each moment.
 *
 * @param {[start: number, end: number][]} intervals
 * @returns {Steps}
 */
export function stepsOf(intervals) {
  const events = intervals.flatMap(([start, end]) => [[start, 1], [end, -1]])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const steps = {
    times: new Float64Array(events.length),
    counts: new Float64Array(events.length),
    max: 0,
  };
  let count = 0;
  events.forEach(([time, change], index) => {
    count += change;
    steps.times[index] = time;
    steps.counts[index] = count;
    steps.max = Math.max(steps.max, count);
  });
  return steps;
}
