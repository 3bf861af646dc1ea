import assert from "node:assert/strict";
import { sameJobs } from "../../lib/jobs/same_jobs.ts";

Deno.test("each of GNU parallel's replacement strings is explained", () => {
  const line = "write {{.Line}}";
  const part = "write {{.Line}} with functions of templates";
  const cases: Record<string, string> = {
    "{}": line,
    "{1}": "write {{.Col 1}}",
    "{-2}": line,
    "{#}": "write {{add .Idx 1}}",
    "{00#}": "write {{add .Idx 1}}",
    "{%}": "llama does not number job slots; {{.Idx}} is the job's number",
    "{.}": "write {{.Line | trimSuffix (ext .Line)}}",
    "{/}": "write {{base .Line}}",
    "{//}": "write {{dir .Line}}",
    "{/.}": "write {{base .Line | trimSuffix (ext .Line)}}",
    "{..}": part,
    "{2//}": part,
    "{-1/.}": part,
    "{= s/a/b/; =}": part,
    "{=2 s/a/b/; =}": part,
  };
  for (const [text, instead] of Object.entries(cases)) {
    assert.equal(
      sameJobs(["-v", `--in=${text}`]),
      "no argument uses the line, so all jobs are the same: " +
        `${text} is GNU parallel's, ${instead}`,
    );
  }
  for (const text of ["{a}", "{", "}{", "${HOME}", "{1,2}"]) {
    assert.match(sameJobs([text]), /: write \{\{\.Line\}\} where it belongs$/, text);
  }
});
