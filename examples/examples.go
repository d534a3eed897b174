// Package examples holds inputs a user would start from.
package examples

import _ "embed"

// Batch is a file of requests in OpenAI's batch format.
//
//go:embed batch.jsonl
var Batch []byte
