// Package delivery sends webhooks as services do: signed, twice, at one instant, out of order, late, again after a failure,
// and tampered with.
//
// A [Sender] makes the request of one delivery: a convention puts id, time and signature where its service has them. An
// [Engine] plays the deliveries of a scenario to a consumer. Copies are sent at one instant: their connections are made first,
// then all are written to together, and the record says when each was.
//
// What is sent here is checked by receivers that are under test, package resilience/httpserver's among them. So nothing is
// shared with it: who would write a signature and its check with the same code would find no mistake in it.
package delivery
