package scenarios

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// faultPlace is an entry of faults: its own keys, and those of an answer but times.
var faultPlace = func() *place[*Fault] {
	in := []Place{InFault}
	rows := []*row[*Fault]{
		key(Key{Name: "name", In: in, Default: "faults[i]", Type: Type{Name: "text", Example: "outage"},
			Doc: "What reports call it; it seeds the fault's chance."}, name, "", func(f *Fault) *string { return &f.Name }),
		key(Key{Name: "when", In: in, Doc: "Its triggers, all of which must hold."},
			mapping(whenPlace), When{}, func(f *Fault) *When { return &f.When }),
		key(Key{Name: "chance", In: in, Default: "100%", Doc: "The share of the attempts that it strikes, beside when; 80% -> 0% is a straight line over the window of its own when."},
			chance, Chance{}, func(f *Fault) *Chance { return &f.Chance }),
	}
	for _, r := range lift(append(answerRows[:len(answerRows):len(answerRows)], refuseRow), func(f *Fault) *Answer { return &f.Answer }) {
		if r.Name == "status" {
			r = key(r.Key, status, 0, func(f *Fault) *int { return &f.Answer.Status })
		}
		rows = append(rows, r)
	}
	rows = append(rows, key(Key{Name: "duplicate", In: in, Fault: true, Without: []string{"status"},
		Doc: "Sends the request to the upstream of --upstream so many times, at one instant or one after another; the client gets the first answer."},
		duplicate, nil, func(f *Fault) **Duplicate { return &f.Duplicate }))
	optional := key(Key{Name: "optional", In: []Place{InAnswer, InFault, InPhase, InDelivery}, Default: "false", Doc: "It need not be reached in a run."},
		boolean, false, func(f *Fault) *bool { return &f.Optional })
	return &place[*Fault]{in: InFault, example: "{chance: 10%, status: 503}", rows: append(rows, optional)}
}()

// name is the codec of a name: a text that is not empty and stands on one line.
var name = &codec[string]{
	kind: Type{Name: "text"},
	read: func(l *loader, n *yaml.Node, v *string) {
		s, ok := l.scalar(n, Type{Name: "text"})
		switch {
		case !ok:
		case strings.TrimSpace(s) == "":
			l.fail(n, "a name is not empty", "")
		case strings.ContainsAny(s, "\r\n"):
			l.fail(n, "a name stands on one line", "")
		default:
			*v = s
		}
	},
	write: func(_ *printer, v string) tree { return textLeaf(v) },
}

var chanceType = Type{Name: "share, or a ramp", Example: "10%"}

// chance is the codec of a share, or of a ramp of shares.
var chance = &codec[Chance]{
	kind: chanceType,
	read: func(l *loader, n *yaml.Node, v *Chance) {
		s, ok := l.scalar(n, chanceType)
		if !ok {
			return
		}
		var from, to Share
		first, second, ramp := strings.Cut(s, "->")
		if ramp && (strings.TrimSpace(first) == "" || strings.TrimSpace(second) == "") {
			l.fail(n, "a ramp needs both ends, got "+quote(s), "write 80% -> 0%")
			return
		}
		if !set(l, n, &from, strings.TrimSpace(first), parseShare) {
			return
		}
		to = from
		if ramp && !set(l, n, &to, strings.TrimSpace(second), parseShare) {
			return
		}
		*v = Chance{Set: true, From: float64(from), To: float64(to), Ramp: ramp}
	},
	write: func(_ *printer, v Chance) tree {
		s := showShare(Share(v.From))
		if v.Ramp {
			s += " -> " + showShare(Share(v.To))
		}
		return leaf(s)
	},
}

var whenPlace = &place[*When]{in: InWhen, example: "{attempt: 1}", rows: []*row[*When]{
	key(Key{Name: "attempt", In: []Place{InWhen}, Doc: "Number of the attempt in its call."},
		optional(ordinals), nil, func(w *When) **Range { return &w.Attempt }),
	key(Key{Name: "call", In: []Place{InWhen}, Doc: "Ordinal of the call."},
		optional(ordinals), nil, func(w *When) **Range { return &w.Call }),
	key(Key{Name: "nth", In: []Place{InWhen}, Without: []string{"every"}, Doc: "Ordinal of the attempt on its route; at accept and tls, of the connection."},
		optional(ordinals), nil, func(w *When) **Range { return &w.Nth }),
	key(Key{Name: "every", In: []Place{InWhen}, Without: []string{"nth"}, Doc: "Every so many attempts on the route; at accept and tls, connections."},
		count(1), 0, func(w *When) *int { return &w.Every }),
	key(Key{Name: "conn_request", In: []Place{InWhen}, Doc: "Ordinal of the attempt on its connection."},
		optional(ordinals), nil, func(w *When) **Range { return &w.ConnRequest }),
	key(Key{Name: "elapsed", In: []Place{InWhen}, Doc: "Time since the first connection, its end not included; {every:, for:, from:} repeats."},
		optional(window), nil, func(w *When) **Window { return &w.Elapsed }),
	key(Key{Name: "phase", In: []Place{InWhen}, Type: Type{Name: "name of a phase, or a list of them", Example: "outage"}, Doc: "Any of these phases."},
		oneOrList("names", name), nil, func(w *When) *[]string { return &w.Phase }),
	key(Key{Name: "case", In: []Place{InWhen}, Type: Type{Name: "name of a case, or a list of them", Example: "gateway"}, Doc: "Any of these cases of a route."},
		oneOrList("names", name), nil, func(w *When) *[]string { return &w.Case }),
	key(Key{Name: "burst", In: []Place{InWhen}, Doc: "Bad spells of a mean length, good ones between them, all drawn from the seed."},
		optional(burst), nil, func(w *When) **Burst { return &w.Burst }),
	key(Key{Name: "method", In: []Place{InWhen}, Doc: "Any of these methods."},
		oneOrList("methods", method), nil, func(w *When) *[]string { return &w.Method }),
	key(Key{Name: "path", In: []Place{InWhen}, Doc: "The request's path, as in match."},
		optional(path), nil, func(w *When) **Path { return &w.Path }),
	key(Key{Name: "header", In: []Place{InWhen}, Doc: "Fields that the request must have: name to text (contains), or to /regexp/."},
		headerMatches, nil, func(w *When) *[]HeaderMatch { return &w.Header }),
	key(Key{Name: "body", In: []Place{InWhen}, Doc: "What the body must contain, or the /regexp/ that it must match."},
		optional(textMatch), nil, func(w *When) **TextMatch { return &w.Body }),
	key(Key{Name: "client", In: []Place{InWhen}, Doc: "What the client's name must contain, or the /regexp/ that it must match; see identity.client."},
		optional(textMatch), nil, func(w *When) **TextMatch { return &w.Client }),
	key(Key{Name: "host", In: []Place{InWhen}, Type: Type{Name: "name of a host, or a list of them", Example: "a"}, Doc: "Any of these hosts of server.hosts."},
		oneOrList("names of hosts", hostName), nil, func(w *When) *[]string { return &w.Host }),
}}

// readFault reads one entry of faults.
func (l *loader) readFault(n *yaml.Node, i int, f *Fault) {
	readMapping(l, n, faultPlace, f)
	l.finishAnswer(n, &f.Answer)
	f.Pos, f.Index = f.Answer.Pos, i
	f.When.Pos = l.spot(&f.When)
	f.Chance.Pos = l.spot(&f.Chance)
	if f.Duplicate != nil {
		f.Duplicate.Pos = l.spot(&f.Duplicate)
	}
	if f.Name == "" {
		f.Name = "faults[" + number(float64(i)) + "]"
	}
	l.checkFault(n, f)
}

// faults is the codec of the list of faults.
var faults = namedList(Type{Name: "list of faults", Example: "[{chance: 10%, status: 503}]", Holds: InFault}, "faults", faultPlace,
	(*loader).readFault, func(f *Fault) *string { return &f.Name })

// namedList is the codec of a list whose entries are called by their places under a key where they have no names.
func namedList[T any](t Type, key string, entries *place[*T], read func(*loader, *yaml.Node, int, *T), name func(*T) *string) *codec[[]T] {
	return &codec[[]T]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v *[]T) {
			if follow(n).Kind != yaml.SequenceNode {
				l.fail(n, "expected a "+t.Name+", got "+kind(follow(n)), `write each as "- `+strings.Trim(t.Example, "[]")+`"`)
				return
			}
			list := make([]T, len(follow(n).Content))
			l.each(n, func(i int, item *yaml.Node) { read(l, item, i, &list[i]) })
			*v = list
		},
		write: func(p *printer, v []T) tree {
			return p.list(len(v), func(i int) tree {
				e := v[i]
				if *name(&e) == key+"["+strconv.Itoa(i)+"]" {
					*name(&e) = ""
				}
				return writeMapping(p, entries, &e)
			})
		},
	}
}

// checkFault checks what a fault's keys are together.
func (l *loader) checkFault(n *yaml.Node, f *Fault) {
	a := &f.Answer
	if a.Wire != nil && a.Wire.At != 0 && f.OnConnection() {
		l.checkOnConnection(f)
		return
	}
	l.checkDuplicate(f)
	if a.Status != 0 {
		return
	}
	for _, at := range []any{&a.Headers, &a.Body, &a.RetryAfter, &a.Quota, &a.Framing, &a.Encoding, &a.Redirect, &a.Interim, &a.Early, &a.Connection, &a.Hold} {
		if e, ok := l.spots[at]; ok {
			l.failKey(e, quote(follow(e.key).Value)+" needs a status, for without one a fault is laid over the healthy answer", "add status: 503")
			return
		}
	}
	if follow(n).Kind != yaml.MappingNode {
		return
	}
	if f.Duplicate == nil && l.spots[&f.Duplicate].key == nil && a.Delay == nil && a.BodyDelay == nil && a.Wire == nil && l.spots[&a.Commit].key == nil &&
		l.spots[&a.Delay].key == nil && l.spots[&a.BodyDelay].key == nil {
		l.fail(n, "the fault does nothing", "give it a status, a delay, or a wire fault such as reset: before-headers")
	}
}

// checkOnConnection checks a fault at accept or tls, where nothing of a request is known.
func (l *loader) checkOnConnection(f *Fault) {
	a := &f.Answer
	at := a.Wire.At.String()
	for _, field := range []any{&a.Status, &a.Headers, &a.Body, &a.RetryAfter, &a.Quota, &a.Framing, &a.Encoding, &a.Redirect, &a.Interim, &a.Early,
		&a.Connection, &a.Delay, &a.Hold, &a.BodyDelay, &a.Commit, &f.Duplicate} {
		if e, ok := l.spots[field]; ok {
			l.failKey(e, quote(follow(e.key).Value)+" cannot stand beside a wire fault at "+at+", where nothing is answered", "make it a fault of its own")
		}
	}
	w := &f.When
	for _, field := range []any{&w.Attempt, &w.Call, &w.ConnRequest, &w.Method, &w.Path, &w.Header, &w.Body, &w.Case} {
		if e, ok := l.spots[field]; ok {
			l.failKey(e, quote(follow(e.key).Value)+" is not known at "+at+", before anything of the request is read", knownAt(f))
		}
	}
	if !f.Refuses() {
		return
	}
	for _, field := range []any{&w.Nth, &w.Every, &w.Burst, &w.Client, &f.Chance} {
		if e, ok := l.spots[field]; ok {
			l.failKey(e, "a port is closed by the clock, and "+quote(follow(e.key).Value)+" tells connections apart", knownAt(f))
		}
	}
}

// knownAt says what a fault that strikes connections may go by.
func knownAt(f *Fault) string {
	if f.Refuses() {
		return "when has elapsed, phase and host"
	}
	return "known are elapsed, phase, host, nth, every, burst; with identity: {client: ip} client"
}
