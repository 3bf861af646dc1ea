/**
 * Errors of the Invoke API in AWS's format.
 *
 * @module
 */

/** An error response in AWS's format. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status. */
  readonly status: number;
  /** The exception's name in Lambda's API. */
  readonly type: string;
  readonly #body: Readonly<Record<string, string>>;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param status The HTTP status.
   * @param type The exception's name in Lambda's API.
   * @param body The JSON document, in AWS's spelling, which differs from one error to the next.
   * @param headers Headers besides `x-amzn-ErrorType`.
   */
  constructor(
    status: number,
    type: string,
    body: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(body["message"] ?? body["Message"] ?? type);
    this.status = status;
    this.type = type;
    this.#body = body;
    this.#headers = headers;
  }

  /**
   * Returns the response to send.
   */
  toResponse(requestId: string): Response {
    return new Response(JSON.stringify(this.#body), {
      status: this.status,
      headers: {
        ...this.#headers,
        "content-type": "application/json",
        // Prevents Deno 2.6 from compressing, which is useless on the same machine.
        "cache-control": "no-transform",
        "x-amzn-errortype": this.type,
        "x-amzn-requestid": requestId,
      },
    });
  }
}
