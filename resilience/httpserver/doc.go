// Package httpserver is the server's side of retries: handlers whose work is done once however often it is asked for.
//
//   - [Idempotency] is middleware for handlers of unsafe methods. A client that sends an Idempotency-Key
//     (draft-ietf-httpapi-idempotency-key-header) may repeat its request: the handler runs once, and every repetition gets
//     the stored answer.
//   - [Webhook] receives webhooks: it verifies the signature over the raw body, drops duplicates by what was signed, and
//     acknowledges only after the event is committed.
//
// Both keep what they remember in a [store.Store], and both hold a claim with a lease while the handler runs, renewed until it
// returns. A handler that panics or whose process dies leaves an outcome that is unknown; whoever runs next is told so
// by [Execution.Reclaimed] or [Delivery.Reclaimed].
//
// When the store cannot be reached, requests are refused with 503 rather than run unguarded.
package httpserver
