package quota

import (
	"strconv"
	"strings"
	"time"

	"brownout/scenarios"
)

// openai is OpenAI's API: x-ratelimit-limit, -remaining and -reset, each for requests and for tokens. A limit with "tokens" in
// its name is of tokens. The reset is a duration as Go writes it, such as 6m0s or 12ms, until all is there again. A
// refusal asks for a pause in retry-after-ms and, in whole seconds, in retry-after.
//
// Source: platform.openai.com, "Rate limits", and the retry code of openai-python.
var openai = Dialect{
	name: "openai",
	slot: func(q *Quota, _ *Reply) string { return openaiKind(q.Name) },
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		for i := range told {
			q := &told[i]
			what := openaiKind(q.Name)
			b = numberField(b, "x-ratelimit-limit-"+what, q.Total)
			b = numberField(b, "x-ratelimit-remaining-"+what, q.Remaining)
			if q.Timed {
				b = field(b, "x-ratelimit-reset-"+what, ceil(q.Full, time.Millisecond).String())
			}
		}
		return b
	},
	reset: func(q *Quota, _ *Reply) time.Duration { return ceil(q.Full, time.Millisecond) },
	pause: func(b []byte, in time.Duration, _ *Quota) ([]byte, Pause) {
		ms := up(in, time.Millisecond)
		p := Pause{Field: "retry-after-ms: " + strconv.FormatInt(ms, 10), Due: time.Duration(ms) * time.Millisecond, Read: true}
		b = append(append(b, p.Field...), "\r\n"...)
		return intField(b, "retry-after", up(in, time.Second)), p
	},
	refusal: func(m *scenarios.Limit, _ int) scenarios.Answer {
		what := openaiKind(m.Name)
		return jsonAnswer(jsonKind, `{"error":{"message":"Rate limit reached for `+what+`. Please try again in `, varSeconds,
			`s.","type":"`+what+`","param":null,"code":"rate_limit_exceeded"}}`+"\n")
	},
}

// openaiKind is what a quota of that name counts.
func openaiKind(name string) string {
	if strings.Contains(name, "tokens") {
		return "tokens"
	}
	return "requests"
}
