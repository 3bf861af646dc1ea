/**
 * Headless Chromium, driven over its DevTools protocol.
 *
 * https://chromedevtools.github.io/devtools-protocol/
 *
 * @module
 */

/** Problems that a page caused. */
export interface PageProblems {
  /** Console messages and exceptions. */
  readonly messages: string[];
  /** Requests other than that for the page itself. */
  readonly requests: string[];
}

/** Options for {@linkcode Browser.show}. */
export interface PageOptions {
  /** The width of the window in CSS pixels. */
  readonly width: number;
  /** The height of the window in CSS pixels. */
  readonly height: number;
  /** Whether to prefer the dark theme. @default {false} */
  readonly dark?: boolean;
  /** Whether to emulate a phone. @default {false} */
  readonly mobile?: boolean;
}

type Params = Readonly<Record<string, unknown>>;
// deno-lint-ignore no-explicit-any -- each method of the protocol has its own result type
type Answer = any;

/** A browser with one page. Close it when done. */
export class Browser implements AsyncDisposable {
  /** Problems that the page caused. */
  readonly problems: PageProblems = { messages: [], requests: [] };
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #events = new Map<string, (params: Answer) => void>();
  #next = 1;

  private constructor(child: Deno.ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => {
      for (const { reject } of this.#answers.values()) reject(new Error("the browser exited"));
    };
  }

  /**
   * Starts a browser.
   *
   * @param program Chromium's path.
   * @returns The browser, with an empty page.
   */
  static async open(program: string): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "llama-browser-" });
    const child = new Deno.Command(program, {
      args: [
        ...["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`],
        // To run as root, and in containers with a small /dev/shm.
        ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"],
        ...["--no-first-run", "--disable-background-networking", "--disable-component-update"],
        "about:blank",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const endpoint = await endpointOf(child.stderr);
    const { host } = new URL(endpoint);
    const targets: Answer = await (await fetch(`http://${host}/json/list`)).json();
    const page = targets.find(({ type }: { type: string }) => type === "page");
    const socket = new WebSocket(page.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("cannot connect to the browser"));
    });
    const browser = new Browser(child, profile, socket);
    await browser.#watch();
    return browser;
  }

  /**
   * Loads a page.
   *
   * @param url The page's URL.
   * @param options Options for the window.
   * @returns The time until it was loaded and drawn, in milliseconds.
   */
  async show(url: string, options: PageOptions): Promise<number> {
    const { width, height, dark = false, mobile = false } = options;
    const deviceScaleFactor = mobile ? 1.5 : 1;
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height, mobile, deviceScaleFactor },
    });
    await this.send("Emulation.setTouchEmulationEnabled", { enabled: mobile });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.send("Emulation.setEmulatedMedia", { features });
    const loaded = this.#event("Page.loadEventFired");
    const start = performance.now();
    await this.send("Page.navigate", { url });
    await loaded;
    await this.frame();
    return performance.now() - start;
  }

  /** Waits until pending changes are drawn. */
  async frame(): Promise<void> {
    await this.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))",
    );
  }

  /**
   * Evaluates an expression in the page.
   *
   * @param expression The expression; if its value is a promise, it is awaited.
   * @returns Its value, serialized as JSON.
   * @throws {Error} If it throws.
   */
  async evaluate(expression: string): Promise<Answer> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true },
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /**
   * Presses a key.
   *
   * @param key Its name, such as `ArrowRight`, or its character.
   * @param modifiers 1 alt, 2 ctrl, 4 meta, 8 shift.
   */
  async press(key: string, modifiers = 0): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, modifiers, ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, modifiers });
    await this.frame();
  }

  /**
   * Takes a screenshot of the page.
   *
   * @param height The height to capture from the top, in CSS pixels; by default, the whole page.
   * @returns A PNG file.
   */
  async picture(height?: number): Promise<Uint8Array> {
    const { cssContentSize: all } = await this.send("Page.getLayoutMetrics");
    const clip = { x: 0, y: 0, width: all.width, height: height ?? all.height, scale: 1 };
    const { data } = await this.send("Page.captureScreenshot", {
      ...{ format: "png", clip, captureBeyondViewport: true },
    });
    return Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  }

  /**
   * Calls a method of the protocol.
   *
   * @param method The method.
   * @param params Its parameters.
   * @returns Its result.
   */
  send(method: string, params: Params = {}): Promise<Answer> {
    const id = this.#next++;
    const answer = Promise.withResolvers<Answer>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  /** Closes the browser. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve));
    await this.send("Browser.close");
    await closed;
    await this.#child.status;
    await this.#child.stderr.cancel();
    await Deno.remove(this.#profile, { recursive: true });
  }

  async #watch(): Promise<void> {
    const { messages, requests } = this.problems;
    this.#events.set("Runtime.exceptionThrown", ({ exceptionDetails }) => {
      messages.push(exceptionDetails.exception?.description ?? exceptionDetails.text);
    });
    this.#events.set("Log.entryAdded", ({ entry }) => void messages.push(entry.text));
    this.#events.set("Runtime.consoleAPICalled", ({ type, args }) => {
      messages.push(`${type}: ${JSON.stringify(args)}`);
    });
    this.#events.set("Network.requestWillBeSent", ({ request, type }) => {
      if (type !== "Document" && !request.url.startsWith("data:")) requests.push(request.url);
    });
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
  }

  #event(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#events.set(name, () => resolve());
    return promise;
  }

  #receive({ id, method, params, result, error }: Answer): void {
    if (id === undefined) return this.#events.get(method)?.(params);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (error) answer?.reject(new Error(error.message));
    else answer?.resolve(result);
  }
}

/** Returns the endpoint that Chromium prints to standard error, leaving the stream open. */
async function endpointOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stderr.values({ preventCancel: true })) {
    text += decoder.decode(piece, { stream: true });
    const endpoint = /^DevTools listening on (\S+)$/m.exec(text)?.[1];
    if (endpoint !== undefined) return endpoint;
  }
  throw new Error(`the browser did not start: ${text}`);
}
