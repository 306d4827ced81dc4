package quota

import (
	"strconv"
	"time"

	"brownout/scenarios"
)

// shopify is Shopify's REST Admin API: X-Shopify-Shop-Api-Call-Limit says how much of the bucket is used, as in 32/40. It has
// no reset: the bucket leaks at a documented rate. Retry-After is a decimal number, such as 2.0, which is no delay-seconds of
// RFC 9110.
//
// Source: shopify.dev, "REST Admin API rate limits".
var shopify = Dialect{
	name: "shopify",
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		q := &told[0]
		b = append(b, "X-Shopify-Shop-Api-Call-Limit: "...)
		b = strconv.AppendInt(b, q.Total.N-q.Remaining.N, 10)
		return append(q.Total.append(append(b, '/')), "\r\n"...)
	},
	reset: func(q *Quota, _ *Reply) time.Duration { return q.Next }, // by the documented rate
	pause: func(b []byte, in time.Duration, _ *Quota) ([]byte, Pause) {
		const unit = 100 * time.Millisecond
		p := Pause{Field: "Retry-After: " + string(appendSeconds(nil, in, unit)), Due: ceil(in, unit), Read: true}
		return append(append(b, p.Field...), "\r\n"...), p
	},
	refusal: func(m *scenarios.Limit, _ int) scenarios.Answer {
		return jsonAnswer("application/json; charset=utf-8",
			`{"errors":"Exceeded `+leak(m)+` for api client. Reduce request rates to resume uninterrupted service."}`+"\n")
	},
}

// leak says how fast a limit's bucket leaks.
func leak(m *scenarios.Limit) string {
	r := m.Rate
	if r == nil {
		r = m.Window
	}
	if r == nil {
		return strconv.Itoa(m.Concurrency) + " calls at once"
	}
	return strconv.FormatFloat(r.Events/r.Per.Seconds(), 'g', 4, 64) + " calls per second"
}
