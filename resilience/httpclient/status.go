package httpclient

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"brownout/resilience"
)

// StatusError is an answer that counts as a failed attempt. It is what RetryIf, observers and [resilience.RetryError] see;
// the caller of RoundTrip gets the last answer itself.
type StatusError struct {
	Status int
	Header http.Header // the answer's; not to be modified

	push      pushback
	retryable bool
	refused   bool // it would be retryable, had the server not said no
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

// Throttled reports whether the server refused for load: 429.
func (e *StatusError) Throttled() bool { return e.Status == http.StatusTooManyRequests }

// Reason tells why a response with a failed status was returned and not retried: all attempts made, the delay asked by the
// server too long, the budget empty, a body that cannot be sent again and so on; Delay in it is how long to wait before
// trying again. It is nil for other responses. It must be asked before resp.Body is replaced.
func Reason(resp *http.Response) *resilience.RetryError {
	if b, ok := resp.Body.(*reasoned); ok {
		return b.why
	}
	return nil
}

// reasoned is a response's body that knows why the response is the last one.
type reasoned struct {
	io.ReadCloser
	why *resilience.RetryError
}

type resendContext struct{}

// ResendCount returns how many times the request of this context was sent before: 0 for the first attempt, 1 for the first
// retry. It is the value of OpenTelemetry's attribute http.request.resend_count, which is set on resends only; a base
// RoundTripper that makes spans asks for it here.
func ResendCount(ctx context.Context) int {
	n, _ := ctx.Value(resendContext{}).(int)
	return n
}
