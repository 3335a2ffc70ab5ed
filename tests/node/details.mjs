// The details of a refused call travel as a google.rpc.Status beside the code.

import protobuf from "protobufjs";

const { root } = protobuf.parse(
  `syntax = "proto3";
   package google.rpc;
   message Any { string type_url = 1; bytes value = 2; }
   message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
   message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
   message BadRequest {
     message FieldViolation { string field = 1; string description = 2; }
     repeated FieldViolation field_violations = 1;
   }`,
  { keepCase: true },
);

/** `{reason, metadata, violations}` of an error of grpc-js. */
export function errorDetails(error) {
  const found = { reason: "", metadata: {}, violations: [] };
  for (const packed of error.metadata.get("grpc-status-details-bin")) {
    for (const { type_url, value } of root.lookupType("google.rpc.Status").decode(packed).details) {
      const name = type_url.split("/").pop();
      if (name === "google.rpc.ErrorInfo") {
        const info = root.lookupType(name).decode(value);
        Object.assign(found, { reason: info.reason, metadata: info.metadata });
      } else if (name === "google.rpc.BadRequest") {
        found.violations = root.lookupType(name).decode(value).field_violations;
      }
    }
  }
  return found;
}
