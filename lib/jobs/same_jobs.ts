/**
 * A warning for runs whose jobs are all the same.
 *
 * @module
 */

/** What GNU parallel replaces, and what llama has instead. */
const replacements: readonly (readonly [RegExp, string])[] = [
  [/\{([1-9]\d*)\}/, "write {{.Col $1}}"],
  [/\{[-+]?\d*\}/, "write {{.Line}}"],
  [/\{0*#\}/, "write {{add .Idx 1}}"],
  [/\{0*%\}/, "llama does not number job slots; {{.Idx}} is the job's number"],
  [/\{\/\}/, "write {{base .Line}}"],
  [/\{\/\/\}/, "write {{dir .Line}}"],
  [/\{\.\}/, "write {{.Line | trimSuffix (ext .Line)}}"],
  [/\{\/\.\}/, "write {{base .Line | trimSuffix (ext .Line)}}"],
  [/\{[-+]?\d*(\.+|\/\.*|\/\/)\}|\{=.*=\}/s, "write {{.Line}} with functions of templates"],
];

/**
 * Warns that no argument looks at the line or the job's number.
 *
 * @param templates The arguments.
 * @returns The warning: one line that says what to write instead.
 */
export function sameJobs(templates: readonly string[]): string {
  const message = "no argument uses the line, so all jobs are the same: ";
  for (const [pattern, instead] of replacements) {
    const found = templates.map((each) => pattern.exec(each)?.[0]).find((each) => each);
    if (found === undefined) continue;
    return `${message}${found} is GNU parallel's, ${found.replace(pattern, instead)}`;
  }
  return `${message}write {{.Line}} where it belongs`;
}
