/**
 * Measures the cost of opening connections, and of HTTP/2 compared with HTTP/1.1.
 *
 * @module
 */

import { join } from "node:path";
import { readEnvironment } from "../../lib/environment.ts";
import { findProgram } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { startEndpoint } from "./stub.ts";

const burst = 100;
const requests = 5000;
const rounds = 5;

/** Runs the benchmark, over TLS with plain `fetch`. */
export async function benchConnections(context: BenchContext): Promise<Figure[]> {
  const { directory, signal, say } = context;
  if (findProgram("openssl", readEnvironment()["PATH"]) === undefined) {
    say("skipped: openssl, which creates the certificate, is not installed");
    return [];
  }
  const certificate = await makeCertificate(directory);
  await using endpoint = await startEndpoint(certificate);
  const url = `https://localhost:${endpoint.port}/`;
  const caCerts = [await Deno.readTextFile(certificate.cert)];
  const many = async (client: Deno.HttpClient, count: number, atOnce: number) => {
    let left = count;
    const start = performance.now();
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (left-- > 0) {
        const response = await fetch(url, { method: "POST", body: "{}", client, signal });
        await response.text();
      }
    }));
    return performance.now() - start;
  };
  const times = {
    cold: new Array<number>(),
    warm: new Array<number>(),
    http1: new Array<number>(),
    http2: new Array<number>(),
  };
  for (let round = 0; round < rounds; round++) {
    using http1 = Deno.createHttpClient({ caCerts, http2: false });
    times.cold.push(await many(http1, burst, burst));
    times.warm.push(await many(http1, burst, burst));
    times.http1.push(await many(http1, requests, burst));
    using http2 = Deno.createHttpClient({ caCerts, http1: false, http2: true });
    await many(http2, burst, burst);
    times.http2.push(await many(http2, requests, burst));
  }
  const [cold, warm] = [median(times.cold), median(times.warm)];
  const [http1, http2] = [median(times.http1), median(times.http2)];
  say(`cold ${cold.toFixed(1)} ms, warm ${warm.toFixed(1)} ms`);
  return [
    {
      what: `${burst} concurrent requests on new connections`,
      measured: `${cold.toFixed(0)} ms`,
      beside: `on open connections: ${warm.toFixed(0)} ms`,
      ratio: cold / warm,
    },
    {
      what: `${requests.toLocaleString("en")} requests, ${burst} at once, over HTTP/2`,
      measured: `${http2.toFixed(0)} ms`,
      beside: `over HTTP/1.1: ${http1.toFixed(0)} ms`,
      ratio: http2 / http1,
    },
  ];
}

async function makeCertificate(directory: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
      ...["-addext", "basicConstraints=critical,CA:false"],
      ...["-days", "2", "-keyout", key, "-out", cert],
    ],
  }).output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr).trim()}`);
  return { cert, key };
}
