package scenarios

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// The names of wire faults and points that are built, and all that the grammar has.
var (
	wireDos   = []string{WireRST: "rst", WireFIN: "fin"}
	wireAts   = []string{AtAccept: "accept", AtBeforeHeaders: "before-headers"}
	allDos    = []string{"rst", "fin", "stall", "drip", "garbage", "refuse"}
	allPoints = []string{"accept", "tls", "request-body", "before-headers", "headers", "body", "end", "idle"}
	effect    = Type{Name: "wire fault", Words: wireDos[WireRST:]}
	point     = Type{Name: "point of the exchange", Words: wireAts[AtAccept:]}
)

// String returns the wire fault's name in scenario files.
func (d WireDo) String() string { return named(wireDos, int(d)) }

// String returns the point's name in scenario files.
func (a WireAt) String() string { return named(wireAts, int(a)) }

func named(names []string, i int) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return "unknown(" + number(float64(i)) + ")"
}

// wireWord reads a word into v, or says that it is not built, or not a word of the grammar. Built are the ones of t, whose
// numbers begin at 1.
func wireWord[V ~uint8](l *loader, n *yaml.Node, t Type, all []string, v *V) {
	s, ok := l.scalar(n, t)
	if !ok {
		return
	}
	for i, w := range t.Words {
		if s == w {
			*v = V(i + 1)
			return
		}
	}
	switch near := Suggest(s, all); {
	case slices.Contains(all, s):
		l.notBuilt(n, s)
	case near != "":
		l.fail(n, quote(s)+" is no "+t.Name, "did you mean "+quote(near)+"? (one of "+join(t.Words)+")")
	default:
		l.fail(n, quote(s)+" is no "+t.Name, "one of "+join(t.Words))
	}
}

// wire is the row of a key that sets the answer's wire fault.
func wire(k Key, others []string, read func(*loader, *yaml.Node, *WireFault), do WireDo) row[Answer] {
	k.In, k.Fault = []Place{InAnswer, InFault}, true
	for _, other := range others {
		if other != k.Name {
			k.Without = append(k.Without, other)
		}
	}
	return row[Answer]{
		Key: k,
		read: func(l *loader, e entry, a *Answer) {
			if a.Wire == nil {
				a.Wire = &WireFault{}
			}
			e.path = l.where()
			a.Wire.Pos = l.span(e)
			l.spots[a.Wire] = e
			if k.Name != "at" {
				l.spots[&a.Wire.Do] = e
			}
			if k.Name != "do" {
				l.spots[&a.Wire.At] = e
			}
			read(l, e.value, a.Wire)
		},
		write: func(_ *printer, a *Answer) (tree, bool) {
			if a.Wire == nil || do == 0 || a.Wire.Do != do {
				return tree{}, false
			}
			return leaf(a.Wire.At.String()), true
		},
	}
}

func readPoint(l *loader, n *yaml.Node, w *WireFault) { wireWord(l, n, point, allPoints, &w.At) }

func readAt(do WireDo) func(*loader, *yaml.Node, *WireFault) {
	return func(l *loader, n *yaml.Node, w *WireFault) {
		w.Do = do
		readPoint(l, n, w)
	}
}

// shortWire are the short names of the wire faults that are built, one of which stands in an answer.
var shortWire = []string{"reset", "close", "do"}

var wireRows = []row[Answer]{
	wire(Key{Name: "reset", Type: point, Doc: "Sends RST (linger 0) at that point."}, shortWire, readAt(WireRST), WireRST),
	wire(Key{Name: "close", Type: point, Doc: "Sends FIN at that point."}, shortWire, readAt(WireFIN), WireFIN),
	wire(Key{Name: "do", Type: effect, Doc: "A wire fault in full: what it does, with at."}, shortWire,
		func(l *loader, n *yaml.Node, w *WireFault) { wireWord(l, n, effect, allDos, &w.Do) }, 0),
	wire(Key{Name: "at", Type: point, Doc: "A wire fault in full: the point of the exchange, with do.", Without: []string{"reset", "close"}},
		nil, readPoint, 0),
}

// statusRow is the status of an answer, which is printed though it has a default: an answer reads badly without.
var statusRow = func() row[Answer] {
	r := key(Key{Name: "status", In: []Place{InAnswer, InFault}, Default: "200", Fault: true,
		Doc: "The status; in a fault there is no default, and without one it is laid over the healthy answer."},
		status, 200, func(a *Answer) *int { return &a.Status })
	r.write = func(p *printer, a *Answer) (tree, bool) { return status.write(p, a.Status), a.Status != 0 }
	return r
}()

// answerRows are the keys of an answer that a fault has too.
var answerRows = func() []row[Answer] {
	both := []Place{InAnswer, InFault}
	rows := []row[Answer]{
		statusRow,
		key(Key{Name: "headers", In: both, Doc: "Fields, sent as written, malformed or not: name to text, to texts (several fields), or to {repeat:, size:}."},
			headers, nil, func(a *Answer) *[]Header { return &a.Headers }),
	}
	rows = append(rows, bodyRows(func(a *Answer) *Body { return &a.Body }, both...)...)
	rows = append(rows,
		key(Key{Name: "retry_after", In: both, Fault: true, Doc: "Writes a Retry-After header, and arms the checks of it. Dates are rounded up to the second, and sent with Date."},
			retryAfter, nil, func(a *Answer) **RetryAfter { return &a.RetryAfter }),
		key(Key{Name: "delay", In: both, Fault: true, Doc: "Waits before the first byte: fixed, uniform, normal, lognormal or by a table."},
			optional(delay), nil, func(a *Answer) **Delay { return &a.Delay }),
	)
	rows = append(rows, wireRows...)
	return append(rows, unbuilt[Answer](both, "file", "framing", "encoding", "redirect", "quota", "body_delay", "hold", "interim", "early",
		"connection", "linger", "commit", "truncate", "stall", "drip", "garbage", "refuse", "after", "rate", "bytes", "wait", "scope")...)
}()

var answerPlace = &place[Answer]{in: InAnswer, rows: append(answerRows[:len(answerRows):len(answerRows)],
	key(Key{Name: "times", In: []Place{InAnswer}, Default: "1", Doc: "So many attempts of a call get this entry, one after another."},
		count(1), 1, func(a *Answer) *int { return &a.Times }),
	key(Key{Name: "optional", In: []Place{InAnswer, InFault, InPhase}, Default: "false", Doc: "It need not be reached in a run."},
		boolean, false, func(a *Answer) *bool { return &a.Optional }),
)}

// answers is the codec of a route's list of answers.
var answers = codec[[]Answer]{
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
		out := tree{kind: treeList}
		for i := range v {
			p.in("["+number(float64(i))+"]", func() { out.items = append(out.items, writeMapping(p, answerPlace, &v[i])) })
		}
		return out
	},
}

func (l *loader) readAnswer(n *yaml.Node, a *Answer) {
	if s := follow(n); s.Kind == yaml.ScalarNode && digits.MatchString(s.Value) {
		l.fail(n, "expected an answer as a mapping, got "+quote(s.Value), "write {status: "+s.Value+"}")
		return
	}
	readMapping(l, n, answerPlace, a)
	l.finishAnswer(n, a)
	if a.Wire != nil && a.Wire.At == AtAccept {
		l.failKey(l.spots[a.Wire], "at accept nothing of the request is known, so that no route can answer so", "move it to faults")
	}
}

// finishAnswer gives an answer its positions, and checks what its keys are together.
func (l *loader) finishAnswer(n *yaml.Node, a *Answer) {
	a.Pos = l.pos(n)
	a.StatusPos = l.spot(&a.Status)
	if a.RetryAfter != nil {
		a.RetryAfter.Pos = l.spot(&a.RetryAfter)
	}
	if a.Delay != nil {
		a.Delay.Pos = l.spot(&a.Delay)
	}
	if a.Wire == nil {
		return
	}
	do, at := l.spots[&a.Wire.Do], l.spots[&a.Wire.At]
	switch {
	case at.key == nil:
		l.fail(do.key, "do needs at", "write do: "+follow(do.value).Value+", at: before-headers")
	case do.key == nil:
		l.fail(at.key, "at needs do", "write do: rst, at: "+follow(at.value).Value)
	}
}
