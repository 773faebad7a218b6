// Errors: one base, and what each carries.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as client from "../client.js";
import * as errors from "../client/errors.js";

test("every error of the client has the base and its own name, and is exported", () => {
  assert.ok(Object.keys(errors).length >= 3);
  for (const [name, Kind] of Object.entries(errors)) {
    assert.equal(client[name], Kind);
    const error = new Kind("text");
    assert.ok(error instanceof client.UsebyError && error instanceof Error);
    assert.equal(error.name, name);
  }
});

test("a rejection carries its code and reason", () => {
  const { code, reason, message } = new client.ConnectionRejected(1008, "Unknown user");
  assert.deepEqual([code, reason, message], [1008, "Unknown user", "Unknown user (1008)"]);
});
