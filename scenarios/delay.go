package scenarios

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var (
	delayType    = Type{Name: "duration, a range, or a mapping", Example: "250ms", Holds: InDelay}
	quantileName = regexp.MustCompile(`^p[0-9]+(\.[0-9]+)?$`)
)

// delay is the codec of a delay: 250ms, 100ms..400ms, or a distribution.
var delay = &codec[Delay]{
	kind: delayType,
	read: func(l *loader, n *yaml.Node, v *Delay) {
		if follow(n).Kind == yaml.MappingNode {
			l.distribution(n, v)
			return
		}
		s, ok := l.scalar(n, delayType)
		if !ok {
			return
		}
		from, to, uniform := strings.Cut(s, "..")
		if !uniform {
			l.duration(n, s, false, &v.Fixed)
			return
		}
		v.Kind = DelayUniform
		switch {
		case strings.TrimSpace(from) == "" || strings.TrimSpace(to) == "":
			l.fail(n, "a delay needs both ends, got "+quote(s), "write 100ms..400ms")
		case l.pair(n, from, to, &v.Fixed, &v.To) && v.To < v.Fixed:
			l.fail(n, quote(s)+" ends before it begins", "write "+strings.TrimSpace(to)+".."+strings.TrimSpace(from))
		}
	},
	write: func(p *printer, v Delay) tree {
		switch v.Kind {
		case DelayFixed:
			return leaf(showDuration(v.Fixed))
		case DelayUniform:
			return leaf(showDuration(v.Fixed) + ".." + showDuration(v.To))
		}
		out := tree{kind: treeMap}
		for _, q := range v.Table {
			name := "p" + strings.TrimSuffix(showShare(Share(q.P)), "%")
			p.entry(&out, name, func() (tree, bool) { return leaf(showDuration(q.Value)), true })
		}
		rest := writeMapping(p, delayPlace, &v)
		out.names, out.items = append(out.names, rest.names...), append(out.items, rest.items...)
		return out
	},
}

// distribution reads a delay that is drawn: {mean:, sd:}, {p50:, p99:} or another table of pNN.
func (l *loader) distribution(n *yaml.Node, v *Delay) {
	var rest []entry
	before := len(l.errs)
	for _, e := range l.entries(n) {
		name := follow(e.key).Value
		if !quantileName.MatchString(name) {
			rest = append(rest, e)
			continue
		}
		q := Quantile{P: -1}
		l.in(name, func() {
			percent, err := strconv.ParseFloat(name[1:], 64)
			if err != nil || percent > 100 {
				l.fail(e.key, quote(name)+" is no percentile", "write p0 to p100")
				return
			}
			q.P = percent / 100
			duration.read(l, e.value, &q.Value)
		})
		v.Table = append(v.Table, q)
	}
	readEntries(l, n, rest, delayPlace, v)
	if len(l.errs) > before {
		return
	}
	sort.SliceStable(v.Table, func(i, j int) bool { return v.Table[i].P < v.Table[j].P })
	v.Kind = DelayTable
	if len(v.Table) == 2 && v.Table[0].P == 0.5 && v.Table[1].P == 0.99 {
		v.Kind = DelayLognormal
	}
	if len(v.Table) == 0 {
		v.Kind = DelayNormal
	}
	if msg, hint := v.flaw(l.spots); msg != "" {
		l.fail(n, msg, hint)
	}
}

// flaw says what is wrong with a distribution as a whole; "" where nothing is.
func (v *Delay) flaw(given map[any]entry) (msg, hint string) {
	_, mean := given[&v.Mean]
	_, sd := given[&v.SD]
	switch {
	case len(v.Table) > 0 && (mean || sd):
		return "mean and sd cannot stand beside percentiles", "write {mean:, sd:}, or percentiles such as {p50:, p99:}"
	case len(v.Table) == 0 && (!mean || !sd):
		return "a distribution needs both mean and sd, or percentiles", "write {mean: 200ms, sd: 50ms}, or {p50: 100ms, p99: 1s}"
	case len(v.Table) == 1:
		return "one percentile makes no distribution", "write two or more, such as {p50: 100ms, p99: 1s}, or one duration"
	case v.Kind == DelayLognormal && v.Table[0].Value <= 0:
		return "p50 of a lognormal delay is above 0", ""
	case v.Min != nil && v.Max != nil && *v.Min > *v.Max:
		return "min is above max", ""
	}
	for i := 1; i < len(v.Table); i++ {
		if v.Table[i].P == v.Table[i-1].P {
			return "one percentile stands twice", ""
		}
		if v.Table[i].Value < v.Table[i-1].Value {
			return "a higher percentile is below a lower one", "percentiles ascend"
		}
	}
	return "", ""
}

var delayPlace = &place[*Delay]{in: InDelay, rows: []*row[*Delay]{
	key(Key{Name: "mean", In: []Place{InDelay}, Doc: "Mean of a normal distribution; with sd."},
		duration, 0, func(d *Delay) *time.Duration { return &d.Mean }),
	key(Key{Name: "sd", In: []Place{InDelay}, Doc: "Standard deviation of a normal distribution; with mean."},
		duration, 0, func(d *Delay) *time.Duration { return &d.SD }),
	percentiles,
	key(Key{Name: "min", In: []Place{InDelay}, Doc: "What is drawn below is cut to it."},
		optional(duration), nil, func(d *Delay) **time.Duration { return &d.Min }),
	key(Key{Name: "max", In: []Place{InDelay}, Doc: "What is drawn above is cut to it."},
		optional(duration), nil, func(d *Delay) **time.Duration { return &d.Max }),
}}

// percentiles is the row that stands for all keys p0 to p100, which distribution reads.
var percentiles = &row[*Delay]{Key: Key{Name: "pNN", In: []Place{InDelay}, Type: duration.kind,
	Doc: "So many percent of the delays are at most this: {p50:, p99:} is a lognormal distribution, any other set a table with straight lines between."},
	read: func(l *loader, e entry, _ *Delay) {
		l.fail(e.key, "a percentile is written with its number", "write p50, p99 and so on")
	}}
