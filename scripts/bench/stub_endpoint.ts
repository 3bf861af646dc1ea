/**
 * An endpoint that answers each Invoke immediately with an empty result. It is a separate process,
 * so that its cost is not attributed to llama. It prints its port, and exits when its standard
 * input ends. With a certificate and its key as arguments, it uses TLS.
 *
 * @module
 */

const answer = JSON.stringify({
  ...{ status: 0, stdout: {}, stderr: {}, outputs: {} },
  accepts: ["zstd"],
});

if (import.meta.main) {
  const [cert, key] = await Promise.all(Deno.args.map((path) => Deno.readTextFile(path)));
  Deno.serve({
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(port),
  }, async (request) => {
    await request.bytes();
    const headers = {
      "content-type": "application/json",
      "x-amzn-requestid": "00000000-0000-0000-0000-000000000000",
    };
    return new Response(answer, { headers });
  });
  await Deno.stdin.readable.pipeTo(new WritableStream());
  Deno.exit();
}
