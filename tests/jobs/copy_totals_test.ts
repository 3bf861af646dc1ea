import assert from "node:assert/strict";
import { CopyTotals } from "../../lib/jobs/copy_totals.ts";
import { jobRecord } from "../job_record.ts";

const record = jobRecord();

Deno.test("copies are added up: the jobs, the copies, those that won, and the time saved", () => {
  const totals = new CopyTotals();
  totals.add(record);
  assert.deepEqual([totals.copies, totals.text], [0, undefined]);
  totals.add({ ...record, copies: 1 });
  assert.deepEqual([totals.copies, totals.text], [1, "1 straggler copied, 0 won"]);
  totals.add({ ...record, copies: 2, hasCopyWon: true, savedMilliseconds: 200_000 });
  totals.add({ ...record, copies: 1, hasCopyWon: true, savedMilliseconds: 61_000 });
  assert.equal(totals.copies, 4);
  assert.equal(totals.text, "3 stragglers copied (4 copies), 2 won, up to 4m21s saved");
});
