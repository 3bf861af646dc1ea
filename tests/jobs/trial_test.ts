import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { Trial } from "../../lib/jobs/trial.ts";

/** A trial whose look-up is answered by the test, and that counts the jobs that have started. */
function start(options: { isAnswered?: boolean } = {}) {
  const answer = Promise.withResolvers<boolean>();
  const stop = new AbortController();
  let lookups = 0;
  let signal: AbortSignal | undefined;
  const silence = Promise.withResolvers<void>();
  const notices: string[] = [];
  let started = 0;
  const errors: unknown[] = [];
  const trial = new Trial({
    functionName: "f",
    lookUp: (given) => {
      lookups++;
      signal = given;
      return answer.promise;
    },
    notice: (message) => void notices.push(message),
    sleep: async (_, signal) => {
      const aborted = new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      await Promise.race([silence.promise, aborted]);
    },
  });
  if (options.isAnswered) answer.resolve(false);
  const jobs = (async () => {
    try {
      while (started < 100) {
        await trial.admit(stop.signal);
        if (stop.signal.aborted) return;
        started++;
      }
    } catch (error) {
      errors.push(error);
    }
  })();
  return {
    trial,
    stop,
    jobs,
    answer,
    errors,
    notices,
    silence,
    lookups: () => lookups,
    signal: () => signal,
    started: async () => {
      // As many turns as any of the waits above takes.
      for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
      return started;
    },
  };
}

const failure = new LlamaError("function", "it crashed");

Deno.test("four jobs start, and all others once one was answered as by llama", async () => {
  const { trial, started, lookups, signal, jobs } = start();
  assert.equal(await started(), 4);
  assert.equal(lookups(), 1);
  trial.jobEnded("llama", undefined);
  await jobs;
  assert.equal(await started(), 100);
  assert(signal()?.aborted, "the look-up goes on");
});

Deno.test("all jobs start once the service says that the function is llama's", async () => {
  const { answer, started, jobs, lookups } = start();
  assert.equal(await started(), 4);
  answer.resolve(true);
  await jobs;
  assert.deepEqual([await started(), lookups()], [100, 1]);
});

Deno.test("where the service does not say, an answer of llama's does", async () => {
  const { trial, started, jobs } = start({ isAnswered: true });
  assert.equal(await started(), 4);
  trial.jobEnded("failed", failure);
  trial.jobEnded("failed", failure);
  assert.equal(await started(), 4);
  trial.jobEnded("llama", undefined);
  await jobs;
  assert.equal(await started(), 100);
});

Deno.test("a job that was not run makes room for another", async () => {
  const { trial, started, stop, jobs } = start({ isAnswered: true });
  assert.equal(await started(), 4);
  trial.jobEnded("not-run", failure);
  assert.equal(await started(), 5);
  for (let i = 0; i < 3; i++) trial.jobEnded("failed", failure);
  assert.equal(await started(), 5);
  stop.abort();
  await jobs;
});

Deno.test("when four jobs have failed and the service does not say, no others start", async () => {
  const { trial, answer, started, jobs, errors } = start();
  assert.equal(await started(), 4);
  for (let i = 0; i < 4; i++) trial.jobEnded("failed", failure);
  assert.equal(await started(), 4);
  assert.deepEqual(errors, [], "the service may still say so");
  answer.resolve(false);
  await jobs;
  assert.match(
    String(errors[0]),
    /the first 4 jobs failed, and "f" may not be a llama function: it crashed/,
  );
  assert.equal(await started(), 4);
});

Deno.test("a run that ends meanwhile starts no more, and leaves no look-up", async () => {
  const { trial, stop, started, jobs, signal, errors } = start();
  assert.equal(await started(), 4);
  stop.abort();
  await jobs;
  assert.deepEqual([await started(), errors], [4, []]);
  trial[Symbol.dispose]();
  assert(signal()?.aborted);
});

Deno.test("if few jobs run for long, the user is told why", async () => {
  const { trial, started, silence, notices, jobs, answer } = start();
  assert.equal(await started(), 4);
  silence.resolve();
  assert.equal(await started(), 4);
  assert.deepEqual(notices, [], "the service may still say so");
  answer.resolve(false);
  assert.equal(await started(), 4);
  assert.deepEqual(notices, [
    '"f" is not known to be a llama function: 4 jobs have started, ' +
    "the others wait until one of them is answered",
  ]);
  trial.jobEnded("llama", undefined);
  await jobs;
  assert.equal(notices.length, 1);
});

Deno.test("a wait that has ended is not reported", async () => {
  const { trial, started, silence, notices, jobs } = start({ isAnswered: true });
  assert.equal(await started(), 4);
  trial.jobEnded("llama", undefined);
  await jobs;
  silence.resolve();
  await started();
  assert.deepEqual(notices, []);
});
