// Package httpclient puts the policies of package resilience into an [http.RoundTripper], in the order that is right:
//
//	idempotency key → retry → hedge → breaker → bulkhead → limiter → timeout of an attempt → wire
//
// so that a call has one key however often it is sent, every attempt and every copy passes breaker and limiter, and no attempt hangs.
//
//	transport, err := httpclient.New(nil,
//		httpclient.WithAttemptTimeout(5*time.Second),
//		httpclient.WithBreaker(resilience.BreakerSettings{FailureRate: 0.5}),
//		httpclient.WithBudget(resilience.BudgetSettings{}),
//		httpclient.WithIdempotencyKeys(httpclient.KeySettings{}),
//	)
//	client := transport.Client()
//
// Without options there are retries alone, and Retry-After holds back its host.
//
// # What is repeated
//
// A request is sent again when that cannot do harm: its method is idempotent (RFC 9110 section 9.2.2), it carries an
// idempotency key, or no connection was made. Its body must be at hand again: through GetBody, or because it was no longer
// than what is kept ([WithBodyBuffer]). Worth another attempt are errors of the transport and the statuses of
// [RetryableStatus]; 409 with a key, whose first attempt is still at work; and 413 with a Retry-After. X-Should-Retry and
// Stripe-Should-Retry outweigh the status. How many attempts there are, and when, is [resilience.RetrySettings]' business.
//
// # What comes back
//
// RoundTrip returns the first good answer. When there is no further attempt it returns the last answer as it is, and
// [Reason] tells why it is the last and how long to wait: a 503 stays a 503. Where the last attempt brought an error, that is in a
// [*resilience.RetryError]. The body of a good answer is handed on as it arrives: when it breaks off the caller sees the
// error, and the call is not repeated, unless [WithAnswerBuffer] is given.
//
// # Being told to wait
//
// Retry-After is understood in seconds and in the three forms of dates, which count from the answer's Date; Retry-After-Ms and
// X-Amz-Retry-After in milliseconds; quota headers by [WithQuota] and [WithRouteQuota]. What the server asks is never cut short: it is waited for,
// or where it is longer than MaxPushback or the deadline allows, the call ends at once with the last answer. Meanwhile other
// calls to the host wait too, or fail at once with a [*PausedError] when their deadline is earlier; for at most
// MaxPushback, in case the server named a date by mistake. Malformed values are ignored.
//
// # Requests
//
// The caller's request is never modified, and its body is closed once. The bodies of answers that are not returned are
// drained, within bounds, and closed, so that their connections are used again. A redirect keeps the idempotency key.
//
// # When not to use it
//
// Under another layer that retries, such as a vendor's SDK: attempts multiply. Switch one of them off. For streams that are
// read for hours, leave [WithAttemptTimeout] out, as it covers the answer's body.
package httpclient
