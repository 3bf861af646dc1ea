/** Parses Chrome trace events. */

import assert from "node:assert/strict";
import * as z from "npm:zod@4.6.7/mini";

const sliceSchema = z.object({
  name: z.string(),
  ph: z.literal("X"),
  pid: z.literal(1),
  tid: z.number().check(z.int(), z.positive()),
  ts: z.number().check(z.minimum(0)),
  dur: z.number().check(z.minimum(0)),
  args: z.object({
    seq: z.number(),
    failed: z.optional(z.string()),
    lost: z.optional(z.boolean()),
  }),
});
const nameSchema = z.object({
  name: z.literal("thread_name"),
  ph: z.literal("M"),
  tid: z.number(),
  args: z.object({ name: z.string() }),
});
const fileSchema = z.object({ traceEvents: z.array(z.unknown()) });

/** A slice on a track, in microseconds. */
export type Slice = z.infer<typeof sliceSchema>;

/** Parses the slices of a trace and the names of its tracks. */
export function slicesOf(text: string): { slices: Slice[]; tracks: Map<number, string> } {
  const events = fileSchema.parse(JSON.parse(text)).traceEvents;
  const tracks = new Map<number, string>();
  const slices = [];
  for (const event of events) {
    const name = nameSchema.safeParse(event);
    if (name.success) tracks.set(name.data.tid, name.data.args.name);
    else if (JSON.stringify(event).includes('"ph":"X"')) slices.push(sliceSchema.parse(event));
  }
  for (const { tid } of slices) assert(tracks.has(tid), `track ${tid} has no name`);
  return { slices, tracks };
}

/** Checks that the slices of a track are nested or disjoint, and belong to their jobs. */
export function checkNesting(slices: readonly Slice[]): void {
  const tolerance = 1e-6;
  for (const tid of new Set(slices.map((slice) => slice.tid))) {
    const open: Slice[] = [];
    const track = slices.filter((slice) => slice.tid === tid)
      .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    for (const slice of track) {
      while ((open.at(-1)?.ts ?? 0) + (open.at(-1)?.dur ?? Infinity) <= slice.ts + tolerance) {
        open.pop();
      }
      const outer = open.at(-1);
      if (outer) {
        const says = `${slice.name} of job ${slice.args.seq} in ${outer.name} of ${outer.args.seq}`;
        assert(slice.ts + slice.dur <= outer.ts + outer.dur + tolerance, `${says} leaves it`);
        assert.equal(slice.args.seq, outer.args.seq, says);
      }
      open.push(slice);
    }
  }
}

/** Returns the total duration of all slices with a name, in milliseconds. */
export function sumOf(slices: readonly Slice[], name: string): number {
  return slices.filter((slice) => slice.name === name).reduce((sum, { dur }) => sum + dur, 0) /
    1000;
}
