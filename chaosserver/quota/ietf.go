package quota

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"brownout/scenarios"
)

// ietf is draft-ietf-httpapi-ratelimit-headers from revision 08 on (11 is of May 2026): RateLimit-Policy and RateLimit are
// lists of RFC 9651, an item a policy, with the parameters q and w, and r and t; w and t are whole seconds. Refusals are the
// problem types of its section on them: quota-exceeded, and temporary-reduced-capacity for a 503.
var ietf = Dialect{
	name: "ietf",
	many: true,
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		b = listField(b, "RateLimit-Policy", told, func(b []byte, q *Quota) []byte {
			if !q.Total.Told {
				return b
			}
			b = q.Total.append(append(policyName(b, q), ";q="...))
			if q.Window > 0 {
				b = strconv.AppendInt(append(b, ";w="...), up(q.Window, time.Second), 10)
			}
			return b
		})
		return listField(b, "RateLimit", told, func(b []byte, q *Quota) []byte {
			if !q.Remaining.Told && !q.Timed {
				return b
			}
			b = policyName(b, q)
			if q.Remaining.Told {
				b = q.Remaining.append(append(b, ";r="...))
			}
			if q.Timed {
				b = strconv.AppendInt(append(b, ";t="...), up(q.Next, time.Second), 10)
			}
			return b
		})
	},
	reset:   wholeSeconds,
	pause:   retryAfterSeconds,
	refusal: quotaProblem,
}

// listField appends a field with what item writes for each quota, commas between; nothing where it writes nothing.
func listField(b []byte, name string, told []Quota, item func([]byte, *Quota) []byte) []byte {
	start := len(b)
	b = append(append(b, name...), ": "...)
	first := len(b)
	for i := range told {
		before := len(b)
		if before > first {
			b = append(b, ", "...)
		}
		at := len(b)
		if b = item(b, &told[i]); len(b) == at {
			b = b[:before]
		}
	}
	if len(b) == first {
		return b[:start]
	}
	return append(b, "\r\n"...)
}

// policyName appends a quota's name as a string of RFC 9651, section 3.3.3. That of a scripted quota is sent as written,
// whatever it makes of the field.
func policyName(b []byte, q *Quota) []byte {
	name := q.Name
	if name == "" {
		name = "default"
	}
	b = append(b, '"')
	if q.Limit < 0 {
		return append(append(b, name...), '"')
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c > 0x7e: // strings hold printable ASCII alone
			b = append(b, '_')
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// quotaProblem is the problem that a refusal tells.
func quotaProblem(m *scenarios.Limit, status int) scenarios.Answer {
	kind, title := "quota-exceeded", "Request cannot be satisfied as assigned quota has been exceeded"
	if status == http.StatusServiceUnavailable {
		kind, title = "temporary-reduced-capacity", "Request cannot be satisfied due to temporary server capacity constraints"
	}
	name, err := json.Marshal(m.Name)
	if err != nil {
		panic(err) // a string always marshals
	}
	return jsonAnswer("application/problem+json",
		`{"type":"https://iana.org/assignments/http-problem-types#`+kind+`","title":"`+title+`","status":`+strconv.Itoa(status)+
			`,"violated-policies":[`+string(name)+"]}\n")
}
