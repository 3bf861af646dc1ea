/**
 * The parts of the AWS SDK that llama uses, loaded on demand.
 *
 * @module
 */

import type * as Providers from "npm:@aws-sdk/credential-providers@3.1175.0";
import type * as Handlers from "npm:@smithy/fetch-http-handler@5.8.1";

/**
 * Loads the SDK's credential providers, and its HTTP handler for `fetch`.
 *
 * @throws {Error} If they cannot be fetched.
 */
export async function loadSdk(): Promise<
  typeof Providers & Pick<typeof Handlers, "FetchHttpHandler">
> {
  // Templates, since Deno fetches the packages of literal imports before the program starts.
  const [providers, handlers]: [typeof Providers, typeof Handlers] = await Promise.all([
    import(`npm:@aws-sdk/${"credential-providers@3.1175.0"}`),
    import(`npm:@smithy/${"fetch-http-handler@5.8.1"}`),
  ]);
  return { ...providers, FetchHttpHandler: handlers.FetchHttpHandler };
}
