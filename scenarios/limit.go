package scenarios

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limit is a quota of the upstream's own. One of Rate, Window and Concurrency is set.
type Limit struct {
	Pos         Pos
	Index       int    // its place in Limits
	Name        string // as given, else "limits[i]"
	When        When   // which attempts it counts; without Attempt, Burst and ConnRequest
	Rate        *Rate  // a token bucket that fills so fast
	Burst       int    // with Rate: how much the bucket holds, at least 1
	Window      *Rate  // so many in a fixed window that begins with its first attempt
	Concurrency int    // so many answers under way
	By          LimitBy
	ByName      string // of the header or path variable, with ByHeader and ByVar
	Cost        int    // what an attempt takes, at least 1
	Dialect     string // as written; "" for none, see [Scenario.DialectOf]
	Scope       LimitScope
	// RetryAfter is the pause that a refusal asks for; nil: as long as it takes until an attempt can pass, as the dialect
	// writes it, or none at all with NoRetryAfter.
	RetryAfter   *RetryAfter
	NoRetryAfter bool
	// Answer is the refusal. What it leaves out, a Status of 0 and a body that is not given, is the dialect's.
	Answer    Answer
	AnswerPos Pos // zero where the file gives none
}

// LimitBy says what has a bucket of its own.
type LimitBy uint8

// What a limit counts by.
const (
	ByClient LimitBy = iota
	ByAll
	ByHost
	ByHeader
	ByVar // a path variable
)

// LimitScope says whom a limit concerns, in the words of Discord.
type LimitScope uint8

// The scopes.
const (
	ScopeUser LimitScope = iota
	ScopeGlobal
	ScopeShared
)

var limitScopes = []string{"user", "global", "shared"}

// String returns the scope as scenario files write it.
func (s LimitScope) String() string { return named(limitScopes, int(s)) }

// Capacity is how much a bucket of the limit lets through at once.
func (m *Limit) Capacity() int {
	switch {
	case m.Rate != nil:
		return max(m.Burst, 1)
	case m.Window != nil:
		return int(m.Window.Events)
	}
	return m.Concurrency
}

// Refusal returns the status of the limit's refusal.
func (s *Scenario) Refusal(m *Limit) int {
	if m.Answer.Status != 0 {
		return m.Answer.Status
	}
	d, _ := DialectNamed(s.DialectOf(m.Dialect))
	return d.Status
}

var limitPlace = func() *place[*Limit] {
	in := []Place{InLimit}
	rows := []*row[*Limit]{
		key(Key{Name: "name", In: in, Default: "limits[i]", Type: Type{Name: "text", Example: "channel"}, Doc: "What reports call it."},
			name, "", func(m *Limit) *string { return &m.Name }),
		key(Key{Name: "when", In: in, Type: Type{Name: "mapping", Example: "{path: /items/:id}", Holds: InWhen}, Doc: "Which attempts it counts: triggers as in a fault, without attempt, burst and conn_request."},
			mapping(whenPlace), When{}, func(m *Limit) *When { return &m.When }),
		key(Key{Name: "rate", In: in, Without: []string{"window", "concurrency"}, Doc: "A token bucket that fills so fast."},
			optional(rate), nil, func(m *Limit) **Rate { return &m.Rate }),
		key(Key{Name: "burst", In: in, Default: "1", Without: []string{"window", "concurrency"}, Doc: "With rate: how much the bucket holds."},
			count(1), 1, func(m *Limit) *int { return &m.Burst }),
		key(Key{Name: "window", In: in, Without: []string{"rate", "burst", "concurrency"}, Type: Type{Name: "rate", Example: "80/1m"},
			Doc: "So many in a fixed window, which begins with its first attempt."},
			optional(rate), nil, func(m *Limit) **Rate { return &m.Window }),
		key(Key{Name: "concurrency", In: in, Without: []string{"rate", "burst", "window"}, Doc: "So many answers under way."},
			count(1), 0, func(m *Limit) *int { return &m.Concurrency }),
		limitByRow,
		key(Key{Name: "cost", In: in, Default: "1", Doc: "What an attempt takes."},
			count(1), 1, func(m *Limit) *int { return &m.Cost }),
		key(Key{Name: "dialect", In: in, Default: "none", Doc: "The fields that tell of it, on the answers to what it counted and on the refusal."},
			dialect, "none", func(m *Limit) *string { return &m.Dialect }),
		key(Key{Name: "scope", In: in, Default: "user", Doc: "Whom it concerns: the user, everything that the user does, or a resource that users share."},
			enum[LimitScope](limitScopes), ScopeUser, func(m *Limit) *LimitScope { return &m.Scope }),
		limitPauseRow,
		limitAnswerRow,
	}
	unsaid := map[string]func(*Limit) bool{ // also in a limit that no file was read for
		"burst":   func(m *Limit) bool { return m.Burst == 0 },
		"cost":    func(m *Limit) bool { return m.Cost == 0 },
		"dialect": func(m *Limit) bool { return m.Dialect == "" },
	}
	for i := range rows {
		if left, ok := unsaid[rows[i].Name]; ok {
			write := rows[i].write
			rows[i].write = func(p *printer, m *Limit) (tree, bool) {
				t, ok := write(p, m)
				return t, ok && !left(m)
			}
		}
	}
	return &place[*Limit]{in: InLimit, example: "{rate: 2/s, burst: 40}", rows: rows}
}()

var limitByType = Type{Name: "word", Words: []string{"client", "all", "host", "header NAME", "var NAME"}}

// limitByRow sets what has a bucket of its own, and the name of the header or path variable.
var limitByRow = &row[*Limit]{
	Key:   Key{Name: "by", In: []Place{InLimit}, Type: limitByType, Default: "client", Doc: "What has a bucket of its own; var is a path variable."},
	reset: func(m *Limit) { m.By, m.ByName = ByClient, "" },
	read: func(l *loader, e entry, m *Limit) {
		l.found(&m.By, e)
		s, ok := l.scalar(e.value, limitByType)
		if !ok {
			return
		}
		first, rest, _ := strings.Cut(s, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case s == "client":
			m.By = ByClient
		case s == "all":
			m.By = ByAll
		case s == "host":
			m.By = ByHost
		case first == "header" && token.MatchString(rest):
			m.By, m.ByName = ByHeader, rest
		case first == "header":
			l.fail(e.value, "header needs a header's name, got "+quote(s), "write header X-Api-Key")
		case first == "var" && variable.MatchString(rest):
			m.By, m.ByName = ByVar, rest
		case first == "var":
			l.fail(e.value, "var needs the name of a path variable, got "+quote(s), "write var id, for the :id of a path")
		default:
			f := oneOf(s, limitByType.Words)
			l.fail(e.value, f.msg, f.hint)
		}
	},
	write: func(_ *printer, m *Limit) (tree, bool) {
		switch m.By {
		case ByHeader:
			return textLeaf("header " + m.ByName), true
		case ByVar:
			return textLeaf("var " + m.ByName), true
		}
		return leaf(limitByType.Words[m.By]), m.By != ByClient
	},
}

// limitPauseRow sets the pause that a refusal asks for.
var limitPauseRow = func() *row[*Limit] {
	t := Type{Name: retryAfterType.Name, Example: retryAfterType.Example, Words: []string{"auto", "none"}, Holds: InRetryAfter}
	return &row[*Limit]{
		Key:   Key{Name: "retry_after", In: []Place{InLimit}, Type: t, Default: "auto", Doc: "The pause that a refusal asks for; auto: until an attempt can pass, as the dialect writes it."},
		reset: func(m *Limit) { m.RetryAfter, m.NoRetryAfter = nil, false },
		read: func(l *loader, e entry, m *Limit) {
			l.found(&m.RetryAfter, e)
			switch v := follow(e.value); {
			case v.Kind == yaml.ScalarNode && v.Value == "auto":
			case v.Kind == yaml.ScalarNode && v.Value == "none":
				m.NoRetryAfter = true
			default:
				retryAfter.read(l, e.value, &m.RetryAfter)
			}
		},
		write: func(p *printer, m *Limit) (tree, bool) {
			if m.RetryAfter != nil {
				return retryAfter.write(p, m.RetryAfter), true
			}
			return leaf("none"), m.NoRetryAfter
		},
	}
}()

// refusalPlace is the answer of a limit: an answer that stands in no list, and whose status the dialect may say.
var refusalPlace = func() *place[*Answer] {
	rows := slices.DeleteFunc(slices.Clone(answerRows), func(r *row[*Answer]) bool { return r.Name == "commit" }) // it has no effect
	for i := range rows {
		if rows[i].Name == "status" {
			rows[i] = key(rows[i].Key, status, 0, func(a *Answer) *int { return &a.Status })
		}
	}
	return &place[*Answer]{in: InAnswer, title: "the answer of a limit", example: "{status: 429}", rows: rows}
}()

// limitAnswerRow sets the refusal.
var limitAnswerRow = &row[*Limit]{
	Key: Key{Name: "answer", In: []Place{InLimit}, Type: Type{Name: "answer", Example: "{status: 503}", Holds: InAnswer},
		Default: "the dialect's", Doc: "The refusal; what it leaves out of status and body is the dialect's."},
	reset: func(m *Limit) { m.Answer, m.AnswerPos = Answer{}, Pos{} },
	read: func(l *loader, e entry, m *Limit) {
		l.found(&m.AnswerPos, e)
		readMapping(l, e.value, refusalPlace, &m.Answer)
		l.finishAnswer(e.value, &m.Answer)
		m.AnswerPos = l.pos(e.value)
		if w := m.Answer.Wire; w != nil && w.At != 0 && w.At <= AtTLS {
			l.failKey(l.spots[w], "at "+w.At.String()+" nothing of the request is known, so that no limit can answer so", "move it to faults")
		}
	},
	write: func(p *printer, m *Limit) (tree, bool) {
		t := writeMapping(p, refusalPlace, &m.Answer)
		return t, len(t.items) > 0
	},
}

// limits is the codec of the list of limits.
var limits = namedList(Type{Name: "list of limits", Example: "[{rate: 2/s, burst: 40}]", Holds: InLimit}, "limits", limitPlace,
	(*loader).readLimit, func(m *Limit) *string { return &m.Name })

// readLimit reads one entry of limits.
func (l *loader) readLimit(n *yaml.Node, i int, m *Limit) {
	before := len(l.errs)
	readMapping(l, n, limitPlace, m)
	m.Pos, m.Index = l.pos(n), i
	m.When.Pos = l.spot(&m.When)
	if m.RetryAfter != nil {
		m.RetryAfter.Pos = l.spot(&m.RetryAfter)
	}
	if m.Name == "" {
		m.Name = "limits[" + number(float64(i)) + "]"
	}
	if len(l.errs) == before {
		l.checkLimit(n, m)
	}
}

// checkLimit checks what a limit's keys are together.
func (l *loader) checkLimit(n *yaml.Node, m *Limit) {
	w := &m.When
	for _, at := range []any{&w.Attempt, &w.Burst, &w.ConnRequest} {
		if e, ok := l.spots[at]; ok {
			l.failKey(e, quote(follow(e.key).Value)+" cannot choose what a limit counts", "take it out, or write a fault")
		}
	}
	switch {
	case m.Rate == nil && m.Window == nil && m.Concurrency == 0:
		l.fail(n, "a limit needs rate, window or concurrency", "write rate: 2/s")
		return
	case m.Window != nil && m.Window.Events != float64(int(m.Window.Events)):
		l.failValue(l.spots[&m.Window], "a window lets a whole number through, got "+quote(showRate(*m.Window)), "")
		return
	case m.Cost > m.Capacity():
		l.failValue(l.spots[&m.Cost], "an attempt takes "+number(float64(m.Cost))+", and the limit never has more than "+number(float64(m.Capacity()))+", so that none can pass",
			"write a smaller cost, or a larger limit")
	}
	if e, ok := l.spots[&m.RetryAfter]; ok && m.Answer.RetryAfter != nil {
		l.failKey(e, "retry_after stands in the limit and in its answer", "keep one")
	}
	if m.Dialect == declaredDialect && l.profile.QuotaDialect == "" {
		l.needs["quota_dialect"] = true
	}
}

// checkVars reports a limit that counts by a path variable which nothing gives a value.
func (l *loader) checkVars(s *Scenario) {
	vars := routeVars(s.Routes...)
	for i := range s.Limits {
		m := &s.Limits[i]
		if m.By != ByVar || m.When.Path != nil && m.When.Path.has(m.ByName) {
			continue
		}
		known := vars
		if m.When.Path != nil {
			for _, seg := range m.When.Path.Segments {
				if seg.Var != "" {
					known = append(known[:len(known):len(known)], seg.Var)
				}
			}
		}
		l.defined(l.spots[&m.By], m.ByName, "path variable", known)
	}
}
