package scenarios

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var requestType = Type{Name: "request", Example: "GET /items/:call"}

// request is the codec of a request line, with an optional query.
var request = &codec[Request]{
	kind: requestType,
	read: func(l *loader, n *yaml.Node, v *Request) {
		s, ok := l.scalar(n, requestType)
		if !ok {
			return
		}
		if strings.HasPrefix(s, "/") {
			l.fail(n, "a request needs a method, got "+quote(s), "write GET "+s)
			return
		}
		line, query, _ := strings.Cut(s, "?")
		if strings.ContainsAny(query, " #") {
			l.fail(n, "a query holds neither blanks nor #, got "+quote(query), "")
			return
		}
		v.Pos, v.Query = l.pos(n), query
		if !l.requestLine(n, line, &v.Method, &v.Path) {
			return
		}
		if v.Path.Rest {
			l.fail(n, "a request has one path, got "+quote(v.Path.Text), "write out the rest instead of *")
		}
		for _, segment := range v.Path.Segments {
			if segment.Var != "" && segment.Var != "call" && segment.Var != "case" {
				l.fail(n, "nothing gives :"+segment.Var+" a value in a request", "write :call, the ordinal of the call, :case, or a fixed text")
			}
		}
	},
	write: func(_ *printer, v Request) tree {
		s := v.Method + " " + v.Path.Text
		if v.Query != "" {
			s += "?" + v.Query
		}
		return textLeaf(s)
	},
}

var stepPlace = func() *place[*Step] {
	in := []Place{InStep}
	rows := []*row[*Step]{
		key(Key{Name: "request", In: in, Required: true, Type: Type{Name: "request, or a list of them", Example: "GET /items/:call"},
			Doc: "METHOD /path, or a list taken in turn; with :call each call has its own path."},
			oneOrList("requests", request), nil, func(s *Step) *[]Request { return &s.Requests }),
		key(Key{Name: "calls", In: in, Default: "1, or the list's length", Without: []string{"for"}, Doc: "So many calls."},
			count(1), 0, func(s *Step) *int { return &s.Calls }),
		key(Key{Name: "for", In: in, Without: []string{"calls"}, Type: Type{Name: "duration", Example: "30s"}, Doc: "Calls for so long."},
			positiveDuration, 0, func(s *Step) *time.Duration { return &s.For }),
		key(Key{Name: "concurrency", In: in, Default: "1; with rate, none", Doc: "So many calls at once."},
			count(1), 0, func(s *Step) *int { return &s.Concurrency }),
		key(Key{Name: "rate", In: in, Doc: "Calls are started at that rate, whatever comes back."},
			optional(rate), nil, func(s *Step) **Rate { return &s.Rate }),
		key(Key{Name: "clients", In: in, Default: "1", Doc: "Fresh clients that share the calls; in command mode, processes."},
			count(1), 1, func(s *Step) *int { return &s.Clients }),
		key(Key{Name: "fresh", In: in, Default: "false", Doc: "A new client before the step."},
			boolean, false, func(s *Step) *bool { return &s.Fresh }),
	}
	rows = append(rows, bodyRows(func(s *Step) *Body { return &s.Body }, in...)...)
	rows = append(rows,
		key(Key{Name: "headers", In: in, Doc: "Fields of the request."},
			headers, nil, func(s *Step) *[]Header { return &s.Headers }),
		key(Key{Name: "stream", In: in, Default: "false", Doc: "The content cannot be read twice."},
			boolean, false, func(s *Step) *bool { return &s.Stream }),
		key(Key{Name: "idempotent", In: in, Default: "false", Doc: "The client may repeat the call, and shall use its idempotency key."},
			boolean, false, func(s *Step) *bool { return &s.Idempotent }),
		key(Key{Name: "deadline", In: in, Doc: "Time for each call, all attempts together; none: without end."},
			positiveDuration, 0, func(s *Step) *time.Duration { return &s.Deadline }),
		key(Key{Name: "cancel_after", In: in, Doc: "The client is told to cancel each call after so long."},
			positiveDuration, 0, func(s *Step) *time.Duration { return &s.CancelAfter }),
		key(Key{Name: "host", In: in, Default: "the first", Doc: "The host of server.hosts that is called."},
			hostName, "", func(s *Step) *string { return &s.Host }),
		key(Key{Name: "wait", In: in, Default: "0s", Doc: "Pause before the step."},
			duration, 0, func(s *Step) *time.Duration { return &s.Wait }),
		key(Key{Name: "settle", In: in, Default: "the larger of 2s and 2 cap", Doc: "How long late attempts are watched for after the last call."},
			optional(duration), nil, func(s *Step) **time.Duration { return &s.Settle }),
	)
	return &place[*Step]{in: InStep, example: "{request: GET /items/:call, calls: 20}", rows: rows}
}()

// drive is the codec of a step, or a list of steps.
var drive = &codec[[]Step]{
	kind: Type{Name: "step, or a list of them", Example: "{request: GET /items/:call, calls: 20}", Holds: InStep},
	read: func(l *loader, n *yaml.Node, v *[]Step) {
		items := []*yaml.Node{n}
		if follow(n).Kind == yaml.SequenceNode {
			items = follow(n).Content
		}
		list := make([]Step, len(items))
		for i, item := range items {
			step := func() { l.readStep(item, &list[i]) }
			if len(items) == 1 {
				step()
			} else if !l.full() {
				l.in("["+number(float64(i))+"]", step)
			}
		}
		*v = list
	},
	write: func(p *printer, v []Step) tree {
		if len(v) == 1 {
			return writeStep(p, v[0])
		}
		return p.list(len(v), func(i int) tree { return writeStep(p, v[i]) })
	},
}

// writeStep prints a step without what it has where the file does not say it.
func writeStep(p *printer, s Step) tree {
	if s.For == 0 && s.Calls == len(s.Requests) {
		s.Calls = 0
	}
	if s.Rate == nil && s.Concurrency == 1 {
		s.Concurrency = 0
	}
	return writeMapping(p, stepPlace, &s)
}

func (l *loader) readStep(n *yaml.Node, s *Step) {
	l.vars = []string{"call", "seed"}
	readMapping(l, n, stepPlace, s)
	l.vars = nil
	s.Pos = l.pos(n)
	if s.For == 0 && s.Calls == 0 {
		s.Calls = max(1, len(s.Requests))
	}
	if s.Rate == nil && s.Concurrency == 0 {
		s.Concurrency = 1
	}
	if e, ok := l.spots[&s.Stream]; ok && s.Stream && l.spots[&s.Body].key == nil {
		l.failKey(e, "stream says how content is sent, and there is none", "add json, text or size")
	}
	if e, ok := l.spots[&s.Clients]; ok && s.For == 0 && s.Clients > s.Calls {
		l.failValue(e, number(float64(s.Clients))+" clients share "+number(float64(s.Calls))+" calls", "write calls: "+number(float64(s.Clients))+" or more")
	}
}
