import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { readAnswer } from "../../lib/jobs/foreign_answer.ts";

/** How an answer is refused; undefined if it is not. */
function refusal(payload: string, name = "send-email"): LlamaError | undefined {
  try {
    readAnswer(name, payload);
    return undefined;
  } catch (error) {
    assert(error instanceof LlamaError);
    return error;
  }
}

Deno.test("responses of other functions are told from llama's", () => {
  const foreign = [
    "null",
    "true",
    "5",
    '"Hello from Lambda!"',
    "[]",
    "{}",
    '[{"status": 0}]',
    '{"statusCode":200,"body":"sent"}',
    '{"status":"ok"}',
    '{"status":null}',
    '{"status":200,"message":"sent"}',
    '{"status":0,"result":[]}',
    '{"status":1.5,"stdout":{}}',
    // HTTP's statuses, and what no process ends with.
    '{"status":404}',
    '{"status":256,"stdout":{}}',
    '{"status":-2}',
    '{"stdout":{"s":"x"},"stderr":{}}',
    "",
    "not JSON",
    "<html>",
  ];
  for (const payload of foreign) {
    const error = refusal(payload);
    assert(error?.affectsAll, payload);
    assert.equal(error.code, "protocol");
    const answered = payload || "nothing";
    assert.equal(error.message, `"send-email" is not a llama function; it answered ${answered}`);
  }
});

Deno.test("answers of llama's runtimes, old and new, are llama's", () => {
  const own = [
    '{"status":0}',
    '{"status":-1,"stdout":{},"stderr":{},"outputs":{}}',
    '{"status":0,"stdout":null,"stderr":null,"outputs":null}',
    '{"status":3,"stdout":{"s":"x"}}',
    '{"status":0,"runtime":"9.0.0","novelty":[1]}',
    '{"status":0,"stdout":{},"novelty":[1]}',
  ];
  for (const payload of own) assert.equal(refusal(payload), undefined, payload);
});

Deno.test("an answer of llama's with something wrong in it is the job's own failure", () => {
  const wrong = [
    '{"status":0,"stdout":5}',
    '{"status":0,"outputs":{"a":{"s":1}}}',
    '{"status":-1,"stdout":{"s":"cut of',
    '{"status": 0, "stdout": ',
  ];
  for (const payload of wrong) {
    const error = refusal(payload);
    assert.equal(error?.affectsAll, false, payload);
    assert.match(error.message, /^the response is not (llama's: (stdout|outputs)|JSON)/);
  }
});

Deno.test("a foreign response and a name are shown in part, and escaped", () => {
  const error = refusal(`{"a":"\u202e\x9b${"x".repeat(500)}"}`, "a\x1b]0;b\x07");
  assert(error && error.message.length < 200);
  assert.match(error.message, /\\u202e\\x9bxxx.*\.\.\.$/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f\u202e]/);
});
