// Package resilience holds what a client of an unreliable service needs: retry with backoff and budget, circuit breaker, rate
// limiter, bulkhead, hedging, timeout, fallback and deduplication. It has no HTTP, and imports nothing but the standard
// library; package httpclient puts the policies into an http.RoundTripper in the order that is right.
//
// # Terms
//
//   - An operation is what the caller wants done: one call of a function with a context.
//   - An attempt is one try at it; a retry is every attempt but the first.
//   - A failure is an attempt that returned an error, or a result that a policy was told not to accept.
//   - Pushback is a server's word about when to come back, such as Retry-After.
//   - A policy decides whether, when and how often an operation is attempted: [Policy].
//
// # Use
//
// Every policy stands alone: make one with its New, from settings whose zero values are the documented defaults, keep it as
// long as the client lives, and call its Run or its own cheaper methods. Several are put around one operation with [Do],
// outermost first:
//
//	reply, err := resilience.Do(ctx, fetch, fallback, retry, breaker, limiter, timeout)
//
// Here every attempt passes the breaker and takes a token, and the timeout bounds each attempt; a timeout put first
// would bound all of them together. [Compose] keeps such a list in a variable.
//
// What each is for, and where it does not help:
//
//   - [Retry] repeats what failed for a moment. Not for operations that take effect twice when repeated, and in one layer
//     only: nested retries multiply. Give it a [Budget], so that an outage of the server is not answered by a multiple of
//     the usual load.
//   - [Breaker] stops calls to a service that keeps failing, so that callers fail fast and the service can recover. Not for
//     errors that are the caller's own doing.
//   - [Limiter] keeps below a rate that the service allows. [Bulkhead] keeps below a number of calls at a time.
//   - [Hedge] asks again before the first answer is in. For operations that are idempotent and cheap for the server.
//   - [Timeout] bounds how long an operation may take. It works through the context, so the operation must look at it.
//   - [Fallback] gives another answer. Not where a wrong answer is worse than none.
//   - [Dedupe] does a piece of work once although it is asked for several times.
//
// # Errors
//
// A policy that refuses says so with a sentinel for errors.Is and a type with details for errors.As, and the last cause is
// always wrapped. What an error knows about another attempt it tells by the methods of [RetryableError], [DelayedError] and
// [ThrottledError]; [Permanent], [RetryAfter] and [Throttle] add it to any error. A refusal is not retryable.
//
// # Time
//
// The policies use package time, and every wait ends with its context, so code that uses them is tested on the fake clock of
// testing/synctest. Make the policies inside the bubble: an instant or a timer taken outside means nothing there.
//
// # Events
//
// An [Observer] is told of every decision after locks were released; [LogObserver] writes them with log/slog. Without one
// nothing is spent on events.
package resilience
