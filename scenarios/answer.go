package scenarios

import (
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// statusRow is the status of an answer, which is printed though it has a default: an answer reads badly without.
var statusRow = func() *row[*Answer] {
	r := key(Key{Name: "status", In: []Place{InAnswer, InFault}, Default: "200", Fault: true,
		Doc: "The status; in a fault there is no default, and without one it is laid over the healthy answer."},
		status, 200, func(a *Answer) *int { return &a.Status })
	r.write = func(p *printer, a *Answer) (tree, bool) { return status.write(p, a.Status), a.Status != 0 }
	return r
}()

// answerRows are the keys of an answer that a fault has too.
var answerRows = func() []*row[*Answer] {
	both := []Place{InAnswer, InFault}
	rows := []*row[*Answer]{
		statusRow,
		key(Key{Name: "headers", In: both, Doc: "Fields, sent as written, malformed or not: name to text, to texts (several fields), or to {repeat:, size:}."},
			headers, nil, func(a *Answer) *[]Header { return &a.Headers }),
	}
	rows = append(rows, bodyRows(func(a *Answer) *Body { return &a.Body }, both...)...)
	rows = append(rows, fileRow(func(a *Answer) *Body { return &a.Body }, both...))
	rows = append(rows, formRows...)
	rows = append(rows,
		key(Key{Name: "retry_after", In: both, Fault: true, Doc: "Writes a Retry-After header, and arms the checks of it. Dates are rounded up to the second, and sent with Date."},
			retryAfter, nil, func(a *Answer) **RetryAfter { return &a.RetryAfter }),
		key(Key{Name: "delay", In: both, Fault: true, Doc: "Waits before the first byte: fixed, uniform, normal, lognormal or by a table."},
			optional(delay), nil, func(a *Answer) **Delay { return &a.Delay }),
		key(Key{Name: "body_delay", In: both, Fault: true, Doc: "Waits between the header block and the body, as delay does before both."},
			optional(delay), nil, func(a *Answer) **Delay { return &a.BodyDelay }),
	)
	rows = append(rows, key(Key{Name: "hold", In: both, Fault: true, Doc: "A gate: the attempts that get this answer wait until so many do, and get it at one instant."},
		optional(hold), nil, func(a *Answer) **Hold { return &a.Hold }))
	rows = append(rows, key(Key{Name: "quota", In: both, Doc: "Tells of a quota in the fields of a dialect, true or not."},
		optional(toldQuota), nil, func(a *Answer) **ToldQuota { return &a.Quota }))
	rows = append(rows, wireRows...)
	rows = append(rows, key(Key{Name: "commit", In: both, Default: "true for a 2xx of a route", Doc: "Whether the attempt commits an effect, on a route with commit."},
		optional(boolean), nil, func(a *Answer) **bool { return &a.Commit }))
	rows = append(rows, unbuilt[*Answer](both, "scope")...)
	rows[len(rows)-1].later = "on HTTP/2 it says whether a wire fault strikes the stream or its connection; HTTP/1.1 has no streams: take it out"
	return rows
}()

// formRows are the keys that say how an answer goes over the wire where nothing is wrong with it.
var formRows = func() []*row[*Answer] {
	both := []Place{InAnswer, InFault}
	return []*row[*Answer]{
		key(Key{Name: "framing", In: both, Default: "length", Doc: "How the client can tell where the body ends."},
			enum[Framing]([]string{"length", "chunked", "close"}), FramingLength, func(a *Answer) *Framing { return &a.Framing }),
		key(Key{Name: "encoding", In: both, Default: "none", Doc: "The body's coding; cut-gzip is whole framing around a gzip stream that is cut at 60 %."},
			enum[Encoding]([]string{"none", "gzip", "cut-gzip"}), EncodingNone, func(a *Answer) *Encoding { return &a.Encoding }),
		key(Key{Name: "redirect", In: both, Type: redirect.kind, Doc: "The path of the Location, inside the call's own URL; with a status of 3xx."},
			redirect, Template{}, func(a *Answer) *Template { return &a.Redirect }),
		key(Key{Name: "interim", In: both, Doc: "Statuses of 1xx that are sent right before the answer."},
			interim, nil, func(a *Answer) *[]int { return &a.Interim }),
		key(Key{Name: "early", In: both, Fault: true, Doc: "Answers after so much of the request's body, and reads on."},
			optional(size), nil, func(a *Answer) **int64 { return &a.Early }),
		key(Key{Name: "connection", In: both, Doc: "Says Connection: close, and ends the connection."},
			word("close"), "", func(a *Answer) *string { return &a.Connection }),
		key(Key{Name: "linger", In: both, Default: "0s", Doc: "With connection: close, the connection stays open and is read from so long."},
			duration, 0, func(a *Answer) *time.Duration { return &a.Linger }),
	}
}()

// redirect is the codec of the path that an answer redirects to.
var redirect = &codec[Template]{
	kind: Type{Name: "path", Example: "/items/2"},
	read: func(l *loader, n *yaml.Node, v *Template) {
		s, ok := l.scalar(n, Type{Name: "path", Example: "/items/2"})
		switch {
		case !ok:
		case !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//"):
			l.fail(n, "expected a path, got "+quote(s), "write a path of this server, such as /items/2")
		case strings.ContainsAny(s, " \r\n\x00"):
			l.fail(n, "a Location holds neither spaces nor line breaks", "write %20 for a space")
		default:
			l.template(n, s, v)
		}
	},
	write: func(p *printer, v Template) tree { return template.write(p, v) },
}

// interim is the codec of a list of interim statuses.
var interim = oneOrList("interim statuses", scalars(Type{Name: "interim status", Example: "103"}, func(s string) (int, *flaw) {
	n, f := parseStatus(s)
	switch {
	case f != nil:
		return 0, f
	case n/100 != 1:
		return 0, &flaw{s + " is no interim status", "write one of 1xx, such as 103"}
	case n == 101:
		return 0, &flaw{"101 ends HTTP on the connection", "write another of 1xx, such as 103"}
	}
	return n, nil
}, strconv.Itoa))

var answerPlace = &place[*Answer]{in: InAnswer, rows: append(answerRows[:len(answerRows):len(answerRows)],
	key(Key{Name: "times", In: []Place{InAnswer}, Default: "1", Doc: "So many attempts of a call get this entry, one after another."},
		count(1), 1, func(a *Answer) *int { return &a.Times }),
	key(Key{Name: "optional", In: []Place{InAnswer, InFault, InPhase, InDelivery}, Default: "false", Doc: "It need not be reached in a run."},
		boolean, false, func(a *Answer) *bool { return &a.Optional }),
)}

// answers is the codec of a route's list of answers.
var answers = &codec[[]Answer]{
	kind: Type{Name: "list of answers", Example: "[{status: 503}, {status: 200}]", Holds: InAnswer},
	read: func(l *loader, n *yaml.Node, v *[]Answer) {
		if follow(n).Kind != yaml.SequenceNode {
			l.fail(n, "expected a list of answers, got "+kind(follow(n)), `write each as "- {status: 503}"`)
			return
		}
		list := make([]Answer, len(follow(n).Content))
		l.each(n, func(i int, item *yaml.Node) {
			a := &list[i]
			l.readAnswer(item, a)
			a.Index = i
		})
		if len(list) == 0 {
			l.fail(n, "the list is empty", "leave answers out for one 200")
			return
		}
		*v = list
	},
	write: func(p *printer, v []Answer) tree {
		return p.list(len(v), func(i int) tree { return writeMapping(p, answerPlace, &v[i]) })
	},
}

func (l *loader) readAnswer(n *yaml.Node, a *Answer) {
	if s := follow(n); s.Kind == yaml.ScalarNode && digits.MatchString(s.Value) {
		l.fail(n, "expected an answer as a mapping, got "+quote(s.Value), "write {status: "+s.Value+"}")
		return
	}
	readMapping(l, n, answerPlace, a)
	l.finishAnswer(n, a)
	if a.Wire != nil && a.Wire.At != 0 && a.Wire.At <= AtTLS {
		l.failKey(l.spots[a.Wire], "at "+a.Wire.At.String()+" nothing of the request is known, so that no route can answer so", "move it to faults")
	}
}
