import assert from "node:assert/strict";
import {
  goInterfaces,
  goLayout,
  goParameters,
  goTypeName,
  Template,
  TemplateError,
} from "../../lib/template/mod.ts";

function run(text: string, data?: unknown): string {
  return Template.parse("t", text).execute(data);
}

function failure(text: string, data?: unknown): string {
  try {
    run(text, data);
  } catch (error) {
    assert.ok(error instanceof TemplateError);
    assert.equal(error.phase, "exec");
    return error.message.replace(/^template: t:\d+:\d+: executing "\w+" at /, "");
  }
  assert.fail("ran");
}

class Base {
  Inherited(text: string): string {
    return `<${text}>`;
  }
}

class Job extends Base {
  static readonly [goParameters] = { Sum: ["...int"], Any: ["interface {}", "bool"] } as const;
  Line = "l";
  hidden = "h";
  Nothing = null;
  get Computed(): bigint {
    return 5n;
  }
  get Broken(): string {
    throw new Error("no value today");
  }
  Sum(...terms: bigint[]): bigint {
    return terms.reduce((sum, term) => sum + term, 0n);
  }
  Any(value: unknown, flag: boolean): string {
    return `${value} ${flag}`;
  }
  Fails(): never {
    throw new Error("it failed");
  }
  Arrow = (text: string): string => text + "!";
}

Deno.test("fields, getters and methods of a class are visible, including inherited ones", () => {
  assert.equal(
    run("{{.Line}}{{.Computed}}{{.Inherited .Line}}{{.Arrow .Line}}", new Job()),
    "l5<l>l!",
  );
});

Deno.test("names in lower case and members of Object are not visible", () => {
  for (const name of ["hidden", "constructor", "__proto__", "toString", "hasOwnProperty"]) {
    assert.equal(
      failure(`{{.${name}}}`, new Job()),
      `<.${name}>: can't evaluate field ${name} in type *main.Job`,
    );
  }
  assert.equal(
    run("{{.constructor}} {{.__proto__}} {{.toString}}", {}),
    "<no value> <no value> <no value>",
  );
  assert.match(failure("{{.Map}}", class extends Array {}.from([1n])), /can't evaluate field Map/);
});

Deno.test("a method's arguments are checked against its declaration", () => {
  const job = new Job();
  assert.equal(run("{{.Sum}} {{.Sum 1 2}} {{3 | .Sum 1.0}}", job), "0 3 4");
  assert.equal(run("{{.Any nil true}}", job), "null true");
  assert.equal(failure("{{.Sum 1 1.5}}", job), "<1.5>: expected integer; found 1.5");
  assert.equal(
    failure("{{.Sum .Line}}", job),
    "<.Line>: wrong type for value; expected int; got string",
  );
  assert.equal(failure("{{.Any 1}}", job), "<.Any>: wrong number of args for Any: want 2 got 1");
  assert.equal(failure("{{.Inherited nil}}", job), "<nil>: cannot assign nil to string");
});

Deno.test("an exception of a method or getter ends the execution and becomes the cause", () => {
  assert.equal(failure("{{.Fails}}", new Job()), "<.Fails>: error calling Fails: it failed");
  assert.equal(
    failure("{{.Broken}}", new Job()),
    "<.Broken>: error calling Broken: no value today",
  );
  assert.throws(
    () => run("{{.Fails}}", new Job()),
    (error) => error instanceof TemplateError && error.cause instanceof Error && error.column === 2,
  );
});

Deno.test("any value that a method throws is reported as its error, even a RangeError", () => {
  class Throwing {
    Range(): never {
      throw new RangeError("out of it");
    }
    Text(): never {
      // deno-lint-ignore no-throw-literal
      throw "plain";
    }
    Endless(): string {
      return this.Endless();
    }
  }
  const data = new Throwing();
  assert.equal(failure("{{.Range}}", data), "<.Range>: error calling Range: out of it");
  assert.equal(failure("{{.Text}}", data), "<.Text>: error calling Text: plain");
  assert.match(failure("{{.Endless}}", data), /error calling Endless: Maximum call stack/);
});

Deno.test("a class names its type, and a subclass does not inherit the name", () => {
  class Named {
    static readonly [goTypeName]: string = "files.Named";
    X = 1n;
  }
  class Sub extends Named {}
  assert.equal(run('{{printf "%T" .}}', new Named()), "files.Named");
  assert.equal(run('{{printf "%T" .}}', new Sub()), "*main.Sub");
});

Deno.test("structs print as their fields, pointers with an ampersand", () => {
  class Point {
    X = 1n;
    Y = "b";
    hidden = true;
  }
  assert.equal(
    run('{{.}} {{print .}} {{printf "%+v %#v" . .}}', new Point()),
    '{1 b} &{1 b} &{X:1 Y:b} &main.Point{X:1, Y:"b"}',
  );
  class Arranged extends Point {
    [goLayout](): [string, unknown][] {
      return [["Y", this.Y], ["X", this.X]];
    }
  }
  assert.equal(run("{{.}}", new Arranged()), "{b 1}");
});

Deno.test("a String method determines how a value prints, also for a list with a class", () => {
  class Files extends Array<string> {
    static readonly [goTypeName] = "files.List";
    String(): string {
      return `${this.length} files`;
    }
  }
  const data = { files: Files.from(["a", "b"]), none: new Files() };
  assert.equal(
    run('{{.files}} {{printf "%s|%T|%d" .files .files .files}}', data),
    "2 files 2 files|files.List|[%!d(string=a) %!d(string=b)]",
  );
  assert.equal(
    run("{{range .files}}{{.}}{{end}}{{if .none}}x{{end}}{{eq .none nil}}", data),
    "abtrue",
  );
});

Deno.test("errors name a field's static type", () => {
  class Typed {
    static readonly [goInterfaces] = ["Loose"];
    Loose = "s";
    Strict = "s";
    Json = [1n];
  }
  assert.equal(
    failure("{{.Loose.a}}", new Typed()),
    "<.Loose.a>: can't evaluate field a in type interface {}",
  );
  assert.equal(
    failure("{{.Strict.a}}", new Typed()),
    "<.Strict.a>: can't evaluate field a in type string",
  );
  assert.equal(
    failure("{{.Json.a}}", new Typed()),
    "<.Json.a>: can't evaluate field a in type interface {}",
  );
});

Deno.test("range visits the keys of a map in order, whatever their type", () => {
  const map = new Map<unknown, unknown>([[10n, "b"], [9n, "a"]]);
  assert.equal(run("{{range $k, $v := .}}{{$k}}{{$v}} {{end}}{{index . 9}}", map), "9a 10b a");
  assert.equal(
    failure('{{index . "x"}}', map),
    '<index . "x">: error calling index: value has type string; should be int',
  );
  assert.equal(
    run("{{range $k, $v := .}}{{$k}} {{end}}", { "\ue000": 1n, "😀": 1n, a: 1n }),
    "a \ue000 😀 ",
  );
});

Deno.test("variables are in scope until the end of their branch", () => {
  assert.equal(
    run("{{$x := 1}}{{range $i, $x := .}}{{$x}}{{$y := $i}}{{$y}}{{end}}{{$x}}", [7n, 8n]),
    "70811",
  );
  assert.equal(
    run(
      "{{range 3}}{{if eq . 1}}{{continue}}{{end}}{{with 5}}{{if 1}}{{break}}{{end}}{{end}}{{end}}{{.}}",
      9n,
    ),
    "9",
  );
  assert.equal(
    run(
      "{{range $i, $e := .}}{{range $j, $f := $e}}{{if $j}}{{break}}{{end}}{{$f}}{{else}}{{break}}{{end}}{{end}}",
      [["a", "b"], [], ["c"]],
    ),
    "a",
  );
  assert.equal(failure("{{or 1 ($x := 2)}}{{$x}}"), "<$x>: undefined variable: $x");
});

Deno.test("lists from JSON have spare capacity, as in Go", () => {
  assert.equal(
    run("{{slice . 0 4}} {{slice (slice . 0 1) 0 3}}", [1n, 2n, 3n]),
    "[1 2 3 <nil>] [1 2 3]",
  );
  assert.match(failure("{{slice . 0 5}}", [1n, 2n, 3n]), /index out of range: 5$/);
});

Deno.test("call calls functions of the data", () => {
  const data = { add: (a: bigint, b: bigint) => a + b };
  assert.equal(run("{{call .add 1 2}}", data), "3");
  assert.equal(
    failure("{{call .add 1}}", data),
    "<call .add 1>: error calling call: wrong number of args for .add: got 1 want 2",
  );
  assert.match(failure("{{.add}}", data), /^<\{\{.add}}>: can't print \{\{.add}} of type func/);
});

Deno.test("errors of Go's reflect package are the same", () => {
  assert.equal(
    failure("{{len nil}}"),
    "<len nil>: error calling len: reflect: call of reflect.Value.Type on zero Value",
  );
  assert.equal(
    failure('{{index "abc" 3}}'),
    '<index "abc" 3>: error calling index: reflect: string index out of range',
  );
});
