// Package ledger keeps idempotency keys as a payment API keeps them: which request a key came with, whether that request is
// still at work, and which answer it got, so that the same key and request again get that answer and no second effect.
//
// A key is claimed by the first request that carries it, in one step, so that of many at one instant one is the first. The
// claim ends with that request's answer, or when its work is over where that is later. If an effect was committed, the key
// then stands for its answer; if not, as where the answer was a 503, the key is as good as new. It follows
// draft-ietf-httpapi-idempotency-key-header-07, section 2: another request with a known key is a mismatch, also while the
// first is at work (2.2, 2.7), and keys may expire (2.3).
//
// The package resilience/httpserver does the like for real services. The two share no code on purpose: this one judges
// clients, and a slip in one must not hide a slip in the other.
package ledger
