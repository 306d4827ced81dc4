package scenarios

import (
	"net/http"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Commit says that a route has effects: an attempt commits one if its request was read whole and its entry is a 2xx, unless
// the entry or a fault says otherwise. With a key, the ledger keeps what was committed, and gives the same request with
// the same key the stored answer instead of a second effect.
type Commit struct {
	Pos Pos
	// Key is the header that carries the idempotency key; "" with Declared false: none, so that each attempt is an effect
	// of its own. With Declared it is the profile's.
	Key      string
	Declared bool
	Work     *Delay // how long the first with a key is at work, whether or not its client stays; nil: not at all
	InFlight int    // status of an attempt that comes meanwhile; 0: it waits
	Mismatch int    // status of another request with a known key
	Missing  int    // status of a request without a key; 0: it has its effect all the same
	// ReplayHeader is set to true on stored answers; "" for none.
	ReplayHeader string
	Keep         time.Duration // how long a key is known from its effect on; 0: for the whole run
}

// DefaultKeyHeader is the header of idempotency keys where neither route nor profile names one.
const DefaultKeyHeader = "Idempotency-Key"

// DefaultReplayHeader is the header of stored answers where the file names none.
const DefaultReplayHeader = "Idempotent-Replayed"

// KeyHeader is the name of the header that carries the idempotency keys of a route; "" where it keeps none.
func (c *Commit) KeyHeader(p *Profile) string {
	switch {
	case c == nil:
		return ""
	case c.Declared:
		return p.keyHeader()
	}
	return c.Key
}

// keyHeader is the header of the client's idempotency keys.
func (p *Profile) keyHeader() string {
	if p.KeyHeader != "" {
		return p.KeyHeader
	}
	return DefaultKeyHeader
}

// Keyed reports whether the ledger keeps the keys of the route.
func (c *Commit) Keyed() bool { return c != nil && (c.Key != "" || c.Declared) }

// Stored returns the stored form of an answer: without its delays, its gate and its wire fault, and with the header that
// says what it is.
func (c *Commit) Stored(a *Answer) Answer {
	s := *a
	s.Delay, s.BodyDelay, s.Hold, s.Wire, s.Early = nil, nil, nil, nil, nil
	if c.ReplayHeader != "" {
		s.Headers = append(a.Headers[:len(a.Headers):len(a.Headers)], Header{Name: c.ReplayHeader, Value: literal("true")})
	}
	return s
}

// literal is a template without variables.
func literal(text string) Template { return Template{Text: text, Parts: []Part{{Literal: text}}} }

// Commits reports whether an attempt that gets the answer commits an effect, if its route has any. The overrule is that of
// the faults laid over it; nil for none. An answer that does not await the whole request commits nothing.
func (a *Answer) Commits(overrule *bool) bool {
	switch {
	case a.Early != nil:
		return false
	case overrule != nil:
		return *overrule
	case a.Commit != nil:
		return *a.Commit
	}
	return a.Status/100 == 2
}

var commitPlace = &place[*Commit]{in: InCommit, example: "{key: Idempotency-Key}", rows: []*row[*Commit]{
	commitKey,
	key(Key{Name: "work", In: []Place{InCommit}, Default: "0s", Doc: "How long the first with a key is at work, even if its client goes; its answer waits for it."},
		optional(delay), nil, func(c *Commit) **Delay { return &c.Work }),
	key(Key{Name: "in_flight", In: []Place{InCommit}, Default: "409", Doc: "The status of the same key while the first with it is at work; wait: it waits, and gets the stored answer."},
		statusOr("wait"), http.StatusConflict, func(c *Commit) *int { return &c.InFlight }),
	key(Key{Name: "mismatch", In: []Place{InCommit}, Default: "422", Doc: "The status of a known key with another method, target or body."},
		status, http.StatusUnprocessableEntity, func(c *Commit) *int { return &c.Mismatch }),
	key(Key{Name: "missing", In: []Place{InCommit}, Default: "none", Doc: "The status of a request without a key; none: it has its effect."},
		statusOr("none"), 0, func(c *Commit) *int { return &c.Missing }),
	key(Key{Name: "replay_header", In: []Place{InCommit}, Default: DefaultReplayHeader, Doc: "The header that stored answers have, set to true; none: they have none."},
		replayHeader, DefaultReplayHeader, func(c *Commit) *string { return &c.ReplayHeader }),
	key(Key{Name: "keep", In: []Place{InCommit}, Default: "whole run", Doc: "How long a key is known, from its effect on."},
		positiveDuration, 0, func(c *Commit) *time.Duration { return &c.Keep }),
}}

// commitKey is the row of the header that carries keys.
var commitKey = &row[*Commit]{
	Key: Key{Name: "key", In: []Place{InCommit}, Type: Type{Name: "name of a header", Example: DefaultKeyHeader, Words: []string{"declared"}},
		Doc: "The header with the idempotency key: the same key and request again get the stored answer. Without it each attempt is an effect."},
	read: func(l *loader, e entry, c *Commit) {
		l.found(&c.Key, e)
		s, ok := l.scalar(e.value, Type{Name: "name of a header", Example: DefaultKeyHeader, Words: []string{"declared"}})
		switch {
		case !ok:
		case s == "declared":
			c.Declared = true
		case !token.MatchString(s):
			l.fail(e.value, "expected a header's name, got "+quote(s), "write key: "+DefaultKeyHeader)
		default:
			c.Key = s
		}
	},
	reset: func(c *Commit) { c.Key, c.Declared = "", false },
	write: func(_ *printer, c *Commit) (tree, bool) {
		if c.Declared {
			return leaf("declared"), true
		}
		return textLeaf(c.Key), c.Key != ""
	},
}

// statusOr is the codec of a status, or of a word that stands for 0.
func statusOr(word string) *codec[int] {
	t := Type{Name: "status", Example: "409", Words: []string{word}}
	return scalars(t, func(s string) (int, *flaw) {
		if s == word {
			return 0, nil
		}
		if Suggest(s, t.Words) != "" {
			return 0, oneOf(s, t.Words)
		}
		n, f := parseStatus(s)
		if f != nil {
			f.hint += ", or " + word
		}
		return n, f
	}, func(v int) string {
		if v == 0 {
			return word
		}
		return number(float64(v))
	})
}

// replayHeader is the codec of the header of stored answers.
var replayHeader = scalars(Type{Name: "name of a header", Example: DefaultReplayHeader, Words: []string{"none"}}, func(s string) (string, *flaw) {
	switch {
	case s == "none":
		return "", nil
	case !token.MatchString(s):
		return "", &flaw{"expected a header's name, got " + quote(s), "write " + DefaultReplayHeader + ", or none"}
	}
	return s, nil
}, func(s string) string {
	if s == "" {
		return "none"
	}
	return s
})

// commit is the codec of a route's effects.
var commit = &codec[Commit]{
	kind: Type{Name: "mapping", Example: commitPlace.example, Holds: InCommit},
	read: func(l *loader, n *yaml.Node, c *Commit) {
		if v := follow(n); v.Kind == yaml.ScalarNode {
			l.fail(n, "expected commit as a mapping, got "+kind(v), "write commit: {}, or commit: "+commitPlace.example)
			return
		}
		readMapping(l, n, commitPlace, c)
		c.Pos = l.pos(n)
		if c.Keyed() || l.spots[&c.Key].key != nil {
			return
		}
		for _, at := range []any{&c.Work, &c.InFlight, &c.Mismatch, &c.Missing, &c.ReplayHeader, &c.Keep} {
			if e, ok := l.spots[at]; ok {
				name := follow(e.key).Value
				hint := "add key: " + DefaultKeyHeader
				if name == "work" {
					hint += ", or write delay in the answers"
				}
				l.failKey(e, quote(name)+" says nothing of a route without a key, where each attempt is an effect", hint)
			}
		}
	},
	write: func(p *printer, c Commit) tree { return writeMapping(p, commitPlace, &c) },
}

// checkCommits checks what routes, answers and faults say of effects.
func (l *loader) checkCommits(s *Scenario) {
	committing := false
	for i := range s.Routes {
		r := &s.Routes[i]
		committing = committing || r.Commit != nil
		for j := range r.Answers {
			l.checkCommit(r, &r.Answers[j], j)
		}
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		e, ok := l.spots[&f.Answer.Commit]
		if !ok || f.Answer.Commit == nil {
			continue
		}
		switch {
		case !committing:
			l.failKey(e, "no route has effects that the fault could commit or keep back", "add commit: {} to the route")
		case *f.Answer.Commit && f.Answer.unread():
			l.failKey(e, cannotCommit, "take one of them out")
		}
	}
}

// cannotCommit says what is wrong with commit: true where the request is never read whole.
const cannotCommit = "an effect takes the whole request, and this answer does not await it"

// unread reports whether the answer goes before the request has been read whole.
func (a *Answer) unread() bool {
	return a.Early != nil || a.Wire != nil && a.Wire.At == AtRequestBody && a.Wire.Do != WireDrip
}

// checkCommit checks what an entry says of effects.
func (l *loader) checkCommit(r *Route, a *Answer, entry int) {
	path := "routes[" + number(float64(r.Index)) + "]." + r.EntryName(entry)
	switch {
	case a.Commit != nil && r.Commit == nil:
		l.at(path, a.Pos, `"commit" overrules what is an effect, and the route has none`, "add commit: {} to the route", false)
	case a.Commit != nil && *a.Commit && a.unread():
		l.at(path, a.Pos, cannotCommit, "take commit out", false)
	case r.Commit.Keyed() && a.Ahead():
		what := "early"
		if a.Early == nil {
			what = a.Wire.String()
		}
		l.at(path, a.Pos, strings.TrimSpace(what)+" comes too late in an entry here, for the ledger compares bodies before an entry is chosen",
			"make it a fault, with when: {attempt: 1}", false)
	}
}
