package quota

import (
	"strings"
	"time"

	"brownout/scenarios"
)

// anthropic is Anthropic's API: anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}. A
// limit is of what its name names, else of requests. The reset is a time of RFC 3339, when all is there again; refusals have
// retry-after in whole seconds. The 529 of an overloaded service is no quota's.
//
// Source: docs.anthropic.com, "Rate limits" and "Errors".
var anthropic = Dialect{
	name: "anthropic",
	slot: func(q *Quota, _ *Reply) string { return anthropicKind(q.Name) },
	write: func(b []byte, told []Quota, r *Reply) []byte {
		for i := range told {
			q := &told[i]
			prefix := "anthropic-ratelimit-" + anthropicKind(q.Name)
			b = numberField(b, prefix+"-limit", q.Total)
			b = numberField(b, prefix+"-remaining", q.Remaining)
			if q.Timed {
				b = field(b, prefix+"-reset", time.Unix(epochSecond(r.Now, q.Full), 0).UTC().Format(time.RFC3339))
			}
		}
		return b
	},
	reset: func(q *Quota, r *Reply) time.Duration { return untilEpoch(r.Now, epochSecond(r.Now, q.Full)) },
	pause: func(b []byte, in time.Duration, _ *Quota) ([]byte, Pause) {
		s := up(in, time.Second)
		_, p := retryAfterSeconds(nil, in, nil)
		return intField(b, "retry-after", s), p
	},
	refusal: func(m *scenarios.Limit, _ int) scenarios.Answer {
		return jsonAnswer(jsonKind, `{"type":"error","error":{"type":"rate_limit_error","message":"Number of `+
			strings.ReplaceAll(anthropicKind(m.Name), "-", " ")+` has exceeded your rate limit. Please try again later."}}`+"\n")
	},
}

// anthropicKind is what a quota of that name counts.
func anthropicKind(name string) string {
	for _, what := range [...]string{"input-tokens", "output-tokens", "tokens"} {
		if strings.Contains(name, what) {
			return what
		}
	}
	return "requests"
}
