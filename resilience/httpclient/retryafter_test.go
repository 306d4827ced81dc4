package httpclient_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/resilience"
)

const own = 100 * time.Millisecond // the backoff of noJitter

// The server's clock is an hour fast: dates count from its Date, not from ours.
func TestRetryAfterForms(t *testing.T) {
	const rfc850 = "Monday, 02-Jan-06 15:04:05 GMT"
	for _, c := range []struct {
		name   string
		status int
		header func(serverNow time.Time) http.Header
		want   time.Duration // the gap between the attempts
		why    string
	}{
		{"seconds", 503, fixed("Retry-After", "2"), 2 * time.Second, "RFC 9110 section 10.2.3"},
		{"seconds on 429", 429, fixed("Retry-After", "2"), 2 * time.Second, "RFC 6585 section 4"},
		{"fraction", 429, fixed("Retry-After", "2.5"), 2500 * time.Millisecond, "Shopify sends 2.0"},
		{"IMF-fixdate", 503, date(http.TimeFormat, 3*time.Second), 3 * time.Second, "relative to Date"},
		{"RFC 850", 503, date(rfc850, 3*time.Second), 3 * time.Second, "obsolete form, MUST be accepted"},
		{"asctime", 503, date(time.ANSIC, 3*time.Second), 3 * time.Second, "obsolete form, MUST be accepted"},
		{"milliseconds", 503, fixed("Retry-After-Ms", "250", "Retry-After", "1"), 250 * time.Millisecond, "the exact form wins"},
		{"AWS milliseconds", 503, fixed("X-Amz-Retry-After", "1500"), 1500 * time.Millisecond, "x-amz-retry-after"},
		{"zero", 429, fixed("Retry-After", "0"), own, "no extra wait is not no backoff"},
		{"past date", 503, date(http.TimeFormat, -time.Hour), own, "no extra wait is not no backoff"},
		{"shorter than backoff", 503, fixed("Retry-After-Ms", "30"), own, "a lower bound"},
		{"word", 503, fixed("Retry-After", "abc"), own, "malformed is ignored"},
		{"negative", 503, fixed("Retry-After", "-5"), own, "malformed is ignored"},
		{"empty", 503, fixed("Retry-After", ""), own, "malformed is ignored"},
		{"exponent", 503, fixed("Retry-After", "1e3"), own, "not 1*DIGIT"},
		{"plus", 503, fixed("Retry-After", "+3"), own, "not 1*DIGIT"},
		{"no digit after the point", 503, fixed("Retry-After", "3."), own, "malformed is ignored"},
		{"two fields", 503, fixed("Retry-After", "3", "Retry-After", "5"), own, "a single value is due"},
		{"4 KiB of digits", 503, fixed("Retry-After", strings.Repeat("9", 4096)), own, "cannot be meant"},
		{"malformed milliseconds", 503, fixed("Retry-After-Ms", "x", "Retry-After", "1"), time.Second, "the next form is read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{steps: []step{{status: c.status, header: c.header(time.Now().Add(time.Hour))}, {status: 200}}}
				resp, err := newTransport(t, u, noJitter()).RoundTrip(newRequest(t, "GET", nil))
				if err != nil || resp.StatusCode != 200 || len(u.seen) != 2 {
					t.Fatalf("got %v, %v after %d attempts, want 200 after 2", resp, err, len(u.seen))
				}
				if gap := u.seen[1].at.Sub(u.seen[0].at); gap != c.want {
					t.Errorf("waited %v, want %v: %s", gap, c.want, c.why)
				}
			})
		})
	}
}

// A delay beyond the ceiling ends the call at once and is told; one that overflows saturates instead of turning negative.
func TestRetryAfterAboveCeiling(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"3600":                time.Hour,
		"9223372037":          math.MaxInt64, // seconds that do not fit in a Duration by a hair
		"9999999999999999999": math.MaxInt64,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			u := &upstream{steps: []step{{status: 429, header: http.Header{"Retry-After": {value}}, body: "later"}}}
			resp, err := newTransport(t, u, noJitter()).RoundTrip(newRequest(t, "GET", nil))
			if err != nil || len(u.seen) != 1 || time.Since(start) != 0 {
				t.Fatalf("%s: got %v after %d attempts and %v, want the 429 at once", value, err, len(u.seen), time.Since(start))
			}
			why := reason(t, resp)
			if why.Reason != resilience.ReasonDelay || why.Delay != want {
				t.Errorf("%s: reason %v, delay %v; want delay, %v", value, why.Reason, why.Delay, want)
			}
			if got := read(t, resp); got != "later" {
				t.Errorf("%s: body %q, want it unread", value, got)
			}
		})
	}
}

func TestShouldRetryHeader(t *testing.T) {
	for _, c := range []struct {
		status   int
		header   http.Header
		attempts int
		why      string
	}{
		{503, fixed("X-Should-Retry", "false")(time.Time{}), 1, "an explicit no wins over the status"},
		{400, fixed("X-Should-Retry", "true")(time.Time{}), 2, "an explicit yes wins over the status"},
		{503, fixed("Stripe-Should-Retry", "false")(time.Time{}), 1, "Stripe's spelling"},
		{503, fixed("X-Should-Retry", "perhaps")(time.Time{}), 2, "anything else says nothing"},
		{404, fixed("X-Should-Retry", "false")(time.Time{}), 1, "nothing to refuse"},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{steps: []step{{status: c.status, header: c.header}, {status: 200}}}
			resp, err := newTransport(t, u).RoundTrip(newRequest(t, "GET", nil))
			if err != nil || len(u.seen) != c.attempts {
				t.Errorf("%d %v: %d attempts, %v; want %d: %s", c.status, c.header, len(u.seen), err, c.attempts, c.why)
			}
			if c.status == 503 && c.attempts == 1 && reason(t, resp).Reason != resilience.ReasonRefused {
				t.Errorf("reason %v, want refused", reason(t, resp).Reason)
			}
		})
	}
}

// Retry-After beyond the deadline: no pointless sleep; the last answer comes back at once, with the reason.
func TestDeadlineFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := &upstream{steps: []step{{status: 503, header: http.Header{"Retry-After": {"10"}}, body: "busy"}}}
		ctx, cancel := contextWithTimeout(t, 300*time.Millisecond)
		defer cancel()
		resp, err := newTransport(t, u, noJitter()).RoundTrip(newRequest(t, "GET", nil).WithContext(ctx))
		if err != nil || time.Since(start) != 0 {
			t.Fatalf("got %v after %v, want the 503 at once", err, time.Since(start))
		}
		why := reason(t, resp)
		if why.Reason != resilience.ReasonDeadline || why.Delay != 10*time.Second || read(t, resp) != "busy" {
			t.Errorf("reason %v, delay %v; want deadline, 10s, and the body", why.Reason, why.Delay)
		}
		want := "gave up after 1 attempt: another attempt would pass the deadline (wait 10s): server answered 503 Service Unavailable"
		if why.Error() != want {
			t.Errorf("Error() = %q, want %q", why.Error(), want)
		}
	})
}

func fixed(pairs ...string) func(time.Time) http.Header {
	return func(time.Time) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
}

func date(layout string, after time.Duration) func(time.Time) http.Header {
	return func(server time.Time) http.Header {
		server = server.UTC().Truncate(time.Second)
		return http.Header{"Date": {server.Format(http.TimeFormat)}, "Retry-After": {fmt.Sprint(server.Add(after).Format(layout))}}
	}
}
