/**
 * The parts of the AWS SDK that llama uses, loaded on demand.
 *
 * @module
 */

import type * as Providers from "npm:@aws-sdk/credential-providers@3.1175.0";
import type * as Handlers from "npm:@smithy/fetch-http-handler@5.8.1";

const packages = {
  providers: "credential-providers@3.1175.0",
  handler: "fetch-http-handler@5.8.1",
};

/**
 * Loads the SDK's credential providers, and its HTTP handler for `fetch`.
 *
 * @throws {Error} If they cannot be fetched.
 */
export async function loadSdk(): Promise<
  typeof Providers & Pick<typeof Handlers, "FetchHttpHandler">
> {
  // Not literals, of which Deno fetches the packages before the program starts, and which a bundler
  // without the packages could not resolve.
  const [providers, handlers]: [typeof Providers, typeof Handlers] = await Promise.all([
    import(`npm:@aws-sdk/${packages.providers}`),
    import(`npm:@smithy/${packages.handler}`),
  ]);
  return { ...providers, FetchHttpHandler: handlers.FetchHttpHandler };
}
