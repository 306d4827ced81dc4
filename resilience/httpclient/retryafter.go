package httpclient

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The chaos server of this project has code of its own for these headers. The two must not be merged: a client judged by
// a server that shares its parsing would agree with it about every mistake.

// maxNumber is the longest number read from a header. A longer one cannot be meant, and is malformed like any other text.
const maxNumber = 19

// retryAfter reads Retry-After: seconds or a date in any of the three forms of RFC 9110 section 5.6.7, which counts from
// the answer's Date, so that a wrong clock on either side does no harm. Seconds may have a fraction, for Shopify sends
// "2.0". A malformed value, or several, are ignored (ok is false); one too long for a Duration saturates; a date that has
// passed is 0.
func retryAfter(h http.Header, now time.Time) (d time.Duration, ok bool) {
	values := h["Retry-After"]
	if len(values) != 1 {
		return 0, false
	}
	v := strings.Trim(values[0], " \t")
	if d, ok := number(v, time.Second); ok {
		return d, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now)), true // Sub saturates
}

// number reads a decimal number without a sign as that many units, with an optional fraction.
func number(s string, unit time.Duration) (time.Duration, bool) {
	whole, fraction, dotted := strings.Cut(s, ".")
	if len(s) > maxNumber || !digits(whole) || dotted && !digits(fraction) {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	if n *= float64(unit); n >= math.MaxInt64 {
		return math.MaxInt64, true
	}
	return time.Duration(n), true
}

// digits reports whether s is 1*DIGIT.
func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// pushback is what an answer says about another attempt.
type pushback struct {
	delay   time.Duration // the least wait, where delayed
	delayed bool
	retry   verdict // an explicit yes or no, which outweighs the status
}

type verdict int8

const (
	unsaid verdict = iota
	yes
	no
)

// readPushback reads the headers by which servers steer retries. Where several delays are given, Retry-After in
// milliseconds is the more exact one and stands first; else Retry-After, which draft-ietf-httpapi-ratelimit-headers section
// 7 puts before quota fields.
func readPushback(h http.Header, now time.Time) pushback {
	var p pushback
	for _, name := range [...]string{"X-Should-Retry", "Stripe-Should-Retry"} {
		switch h.Get(name) {
		case "true":
			p.retry = yes
		case "false":
			p.retry = no
		}
	}
	for _, name := range [...]string{"Retry-After-Ms", "X-Amz-Retry-After"} { // OpenAI, AWS
		if values := h[name]; len(values) == 1 && !p.delayed {
			p.delay, p.delayed = number(strings.Trim(values[0], " \t"), time.Millisecond)
		}
	}
	if !p.delayed {
		p.delay, p.delayed = retryAfter(h, now)
	}
	return p
}
