// A client in another language: from the .proto files, it defines a segment, ingests an event, checks a membership and
// reads an error. Starts a server with $PYTHON (default: python3), or calls the one at $SEGMENTD_SERVER.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

import { errorDetails } from "./details.mjs";
import { struct } from "./struct.mjs";

const PROTOS = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "protos");
const FILES = ["membership_service", "profile_service", "segment_service"].map((name) => `segmentd/v1/${name}.proto`);
const TIMEOUT_SECONDS = 30;

/** A server of its own on a free port: its address, and how to stop it. */
async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), "segmentd-node-"));
  const options = ["--db", join(folder, "node.db"), "--listen", "127.0.0.1:0", "--json"];
  const server = spawn(process.env.PYTHON ?? "python3", ["-m", "segmentd", "serve", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  const stop = async () => {
    server.kill("SIGTERM");
    await exited;
    rmSync(folder, { recursive: true });
  };
  const lines = createInterface({ input: server.stdout });
  const [first] = await Promise.race([once(lines, "line"), exited]);
  if (typeof first !== "string") {
    throw new Error(`the server ended before it listened (exit code ${first})`);
  }
  return { address: JSON.parse(first).listening, stop };
}

/** The methods of a service as functions that promise the answer. */
function connect(address) {
  const definition = protoLoader.loadSync(FILES, { includeDirs: [PROTOS], keepCase: true, longs: Number, enums: String });
  const { v1 } = grpc.loadPackageDefinition(definition).segmentd;
  const service = (name) => {
    const stub = new v1[name](address, grpc.credentials.createInsecure());
    const call = (method, request) =>
      new Promise((resolve, reject) => {
        const deadline = new Date(Date.now() + TIMEOUT_SECONDS * 1000);
        stub[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
      });
    return { call, close: () => stub.close() };
  };
  return {
    memberships: service("MembershipService"),
    profiles: service("ProfileService"),
    segments: service("SegmentService"),
  };
}

async function exercise({ memberships, profiles, segments }) {
  const segment_id = `node-buyers-${process.pid}`;
  const user_id = `node-user-${process.pid}`;
  const rule = struct({ behavioral: { event: "Order Completed", within: "7d", count: { at_least: 1 } } });
  const created = await segments.call("CreateSegment", { segment: { id: segment_id, name: "Buyers", rule } });
  assert.equal(created.segment.state, "SEGMENT_STATE_ACTIVE");

  const before = await memberships.call("CheckMembership", { user_id, segment_id });
  assert.equal(before.membership, "MEMBERSHIP_NOT_MEMBER");

  const event_time = { seconds: Math.floor(Date.now() / 1000) - 60, nanos: 0 };
  const properties = struct({ revenue: 12.5, products: [{ sku: "A" }, { sku: "B" }] });
  const event = { user_id, name: "Order Completed", message_id: `${user_id}-1`, event_time, properties };
  const stored = await profiles.call("IngestEvents", { events: [event, event] });
  const outcomes = stored.results.map((result) => result.outcome);
  assert.deepEqual(outcomes, ["INGEST_OUTCOME_STORED", "INGEST_OUTCOME_DUPLICATE"]);

  const after = await memberships.call("CheckMembership", { user_id, segment_id, min_revision: stored.revision });
  assert.equal(after.membership, "MEMBERSHIP_MEMBER");
  assert.equal(after.holds_until_time.seconds, event_time.seconds + 7 * 24 * 3600);

  const faulty = { id: `${segment_id}-2`, rule: struct({ all: [{ behavioral: { event: "X", within: "7x" } }] }) };
  const error = await segments.call("CreateSegment", { segment: faulty }).catch((reason) => reason);
  assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
  const details = errorDetails(error);
  assert.equal(details.reason, "INVALID_RULE");
  assert.match(details.violations[0].field, /rule\.all\[0\]\.behavioral\.within/);
  console.log(`${user_id} is in ${segment_id}; a faulty rule: ${details.violations[0].description}`);
}

const server = process.env.SEGMENTD_SERVER
  ? { address: process.env.SEGMENTD_SERVER, stop: async () => {} }
  : await startServer();
const services = connect(server.address);
try {
  await exercise(services);
} finally {
  Object.values(services).forEach((service) => service.close());
  await server.stop();
}
