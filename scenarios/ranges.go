package scenarios

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var rangeType = Type{Name: "range", Example: "2..4"}

// ordinals is the codec of a range of ordinals, which count from 1: 2, 2..4, 3.., ..2.
var ordinals = &codec[Range]{
	kind: rangeType,
	read: func(l *loader, n *yaml.Node, v *Range) {
		s, ok := l.scalar(n, rangeType)
		if !ok {
			return
		}
		if set(l, n, v, s, parseRange) {
			v.Pos = l.pos(n)
		}
	},
	write: func(_ *printer, v Range) tree { return leaf(showRange(v)) },
}

func parseRange(s string) (Range, *flaw) {
	from, to, open := strings.Cut(s, "..")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !open {
		if !digits.MatchString(s) {
			return Range{}, &flaw{"expected a range, got " + quote(s), "write 2, 2..4, 3.. or ..2"}
		}
		to = from
	}
	if from == "" && to == "" {
		return Range{}, &flaw{quote(s) + " has no end", "write 2, 2..4, 3.. or ..2"}
	}
	r := Range{From: 1}
	for _, end := range []struct {
		text string
		at   *int
	}{{from, &r.From}, {to, &r.To}} {
		if end.text == "" {
			continue
		}
		n, f := whole(end.text, "an ordinal, which counts from 1", 1, maxCount)
		if f != nil {
			return Range{}, f
		}
		*end.at = int(n)
	}
	if r.To != 0 && r.To < r.From {
		return Range{}, &flaw{quote(s) + " ends before it begins", "write " + to + ".." + from}
	}
	return r, nil
}

func showRange(r Range) string {
	switch {
	case r.To == r.From:
		return number(float64(r.From))
	case r.To == 0:
		return number(float64(r.From)) + ".."
	case r.From == 1:
		return ".." + number(float64(r.To))
	}
	return number(float64(r.From)) + ".." + number(float64(r.To))
}

var windowType = Type{Name: "range of time", Example: "30s..45s"}

// window is the codec of a stretch of the scenario's time: 30s..45s, 30s.., ..45s, or a mapping that repeats.
var window = &codec[Window]{
	kind: Type{Name: "range of time, or a mapping", Example: "30s..45s", Holds: InElapsed},
	read: func(l *loader, n *yaml.Node, v *Window) {
		if follow(n).Kind == yaml.MappingNode {
			readMapping(l, n, periodicPlace, v)
			v.Pos = l.pos(n)
			if v.For > v.Every && v.Every > 0 {
				l.fail(n, "for is longer than every, so that the windows overlap", "")
			}
			return
		}
		s, ok := l.scalar(n, windowType)
		if !ok {
			return
		}
		from, to, open := strings.Cut(s, "..")
		if !open || strings.TrimSpace(from+to) == "" {
			l.fail(n, "expected "+windowType.String()+", got "+quote(s), "write 30s..45s, 30s.. or ..45s")
			return
		}
		got := Window{Pos: l.pos(n)}
		if !l.pair(n, from, to, &got.From, &got.To) {
			return
		}
		if strings.TrimSpace(to) != "" && got.To <= got.From {
			l.fail(n, quote(s)+" ends before it begins", "")
			return
		}
		*v = got
	},
	write: func(p *printer, v Window) tree {
		if v.Every > 0 {
			return writeMapping(p, periodicPlace, &v)
		}
		s := ".."
		if v.From > 0 || v.To == 0 {
			s = showDuration(v.From) + s
		}
		if v.To > 0 {
			s += showDuration(v.To)
		}
		return leaf(s)
	},
}

var periodicPlace = &place[*Window]{in: InElapsed, rows: []*row[*Window]{
	key(Key{Name: "every", In: []Place{InElapsed}, Required: true, Type: Type{Name: "duration", Example: "20s"},
		Doc: "A window begins so often."}, positiveDuration, 0, func(w *Window) *time.Duration { return &w.Every }),
	key(Key{Name: "for", In: []Place{InElapsed}, Required: true, Type: Type{Name: "duration", Example: "1s"},
		Doc: "How long each window lasts."}, positiveDuration, 0, func(w *Window) *time.Duration { return &w.For }),
	key(Key{Name: "from", In: []Place{InElapsed}, Default: "0s",
		Doc: "When the first window begins."}, duration, 0, func(w *Window) *time.Duration { return &w.From }),
}}

// pair reads the two ends of a range of durations, either of which may be empty. In units of the profile, what is
// printed is the range as written.
func (l *loader) pair(n *yaml.Node, from, to string, a, b *time.Duration) bool {
	where, units := l.where(), false
	ends := []string{strings.TrimSpace(from), strings.TrimSpace(to)}
	for i, at := range []*time.Duration{a, b} {
		if ends[i] == "" {
			continue
		}
		delete(l.written, where)
		if !l.duration(n, ends[i], false, at) {
			delete(l.written, where)
			return false
		}
		if s, ok := l.written[where]; ok {
			ends[i], units = s, true
		}
	}
	delete(l.written, where)
	if units {
		l.written[where] = ends[0] + ".." + ends[1]
	}
	return true
}

// burst is the codec of mean spells, both in time or both in attempts.
var burst = &codec[Burst]{
	kind: Type{Name: "mapping", Example: "{bad: 2s, good: 15s}", Holds: InBurst},
	read: func(l *loader, n *yaml.Node, v *Burst) {
		before := len(l.errs)
		var got spells
		readMapping(l, n, burstPlace, &got)
		if len(l.errs) > before {
			return
		}
		if (got.bad.attempts > 0) != (got.good.attempts > 0) {
			l.fail(n, "bad and good are not in one unit", "write both in time, or both in attempts")
			return
		}
		*v = Burst{Pos: l.pos(n), Bad: got.bad.time, Good: got.good.time, BadAttempts: got.bad.attempts, GoodAttempts: got.good.attempts}
	},
	write: func(p *printer, v Burst) tree {
		s := spells{spell{v.Bad, v.BadAttempts}, spell{v.Good, v.GoodAttempts}}
		return writeMapping(p, burstPlace, &s)
	},
}

// spell is a mean length, in time or in attempts.
type spell struct {
	time     time.Duration
	attempts float64
}

type spells struct{ bad, good spell }

var spellType = Type{Name: "duration, or a number of attempts", Example: "2s"}

var spellCodec = &codec[spell]{
	kind: spellType,
	read: func(l *loader, n *yaml.Node, v *spell) {
		s, ok := l.scalar(n, spellType)
		if !ok {
			return
		}
		if times, unit, ok := amount(s); ok && (unit == "attempts" || unit == "attempt") {
			if times < 1 || times > maxCount {
				l.fail(n, "expected a mean of at least 1 attempt, got "+quote(s), "")
				return
			}
			v.attempts = times
			return
		}
		positiveDuration.read(l, n, &v.time)
	},
	write: func(_ *printer, v spell) tree {
		if v.attempts > 0 {
			return leaf(number(v.attempts) + " attempts")
		}
		return leaf(showDuration(v.time))
	},
}

var burstPlace = &place[*spells]{in: InBurst, rows: []*row[*spells]{
	key(Key{Name: "bad", In: []Place{InBurst}, Required: true, Doc: "Mean length of the spells in which the fault strikes."},
		spellCodec, spell{}, func(s *spells) *spell { return &s.bad }),
	key(Key{Name: "good", In: []Place{InBurst}, Required: true, Type: Type{Name: spellType.Name, Example: "15s"},
		Doc: "Mean length of the spells between, the first of which begins at once."},
		spellCodec, spell{}, func(s *spells) *spell { return &s.good }),
}}
