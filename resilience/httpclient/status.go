package httpclient

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"brownout/resilience"
)

// StatusError is an answer that counts as a failed attempt. It is what RetryIf, a breaker's Classify, observers and [resilience.RetryError] see;
// the caller of RoundTrip gets the last answer itself.
type StatusError struct {
	Status int         // of the answer
	Header http.Header // the answer's; not to be modified

	push      pushback
	retryable bool
	refused   bool          // it would be retryable, had the server not said no
	exhausted bool          // a quota is
	route     bool          // and it is that of the route alone
	restored  time.Duration // until it no longer is
}

// Error names the status.
func (e *StatusError) Error() string {
	if text := http.StatusText(e.Status); text != "" {
		return fmt.Sprintf("server answered %d %s", e.Status, text)
	}
	return fmt.Sprintf("server answered %d", e.Status)
}

// Retryable reports whether status and headers allow another attempt.
func (e *StatusError) Retryable() bool { return e.retryable }

// RetryDelay returns what the server asked to wait, if it did.
func (e *StatusError) RetryDelay() (time.Duration, bool) { return e.push.delay, e.push.delayed }

// Throttled reports whether the server refused for load: 429, or another status with a quota that is exhausted.
func (e *StatusError) Throttled() bool {
	return e.Status == http.StatusTooManyRequests || e.exhausted
}

// Reason tells why a response with a failed status was returned and not retried: all attempts made, the delay asked by the
// server too long, the budget empty, a body that cannot be sent again and so on; Delay in it is how long to wait before
// trying again. It is nil for other responses. It is kept in the context of resp.Request.
func Reason(resp *http.Response) *resilience.RetryError {
	if resp.Request == nil {
		return nil
	}
	why, _ := resp.Request.Context().Value(reasonContext{}).(*resilience.RetryError)
	return why
}

type reasonContext struct{}

// withReason makes why the Reason of resp, the answer to req.
func withReason(req *http.Request, resp *http.Response, why *resilience.RetryError) {
	if resp.Request != nil {
		req = resp.Request
	}
	resp.Request = req.WithContext(context.WithValue(req.Context(), reasonContext{}, why))
}

// AttrResendCount is OpenTelemetry's attribute for [ResendCount] (semantic conventions for HTTP, stable). It is set on
// what is sent again only.
const AttrResendCount = "http.request.resend_count"

type resendContext struct{}

// ResendCount returns how many times the request of this context was sent before: 0 for the first attempt, 1 for the
// first retry or the first hedged copy; attempts and copies of a call are counted together. It is the value of [AttrResendCount]; a
// base RoundTripper that makes spans asks for it here.
func ResendCount(ctx context.Context) int {
	n, _ := ctx.Value(resendContext{}).(int)
	return n
}
