package scenarios

import "gopkg.in/yaml.v3"

// pauseScope is the codec of the scope of pauses_others; declared is "".
var pauseScope = func() *codec[string] {
	c := word("origin", "path", "declared")
	return &codec[string]{
		kind: c.kind,
		read: func(l *loader, n *yaml.Node, v *string) {
			c.read(l, n, v)
			if *v == "declared" {
				*v = ""
			}
		},
		write: c.write,
	}
}()

// limitsRateRow is the rate of limits_itself, which may be the profile's.
var limitsRateRow = func() *row[*LimitsItself] {
	t := Type{Name: rateType.Name, Example: rateType.Example, Words: []string{"declared"}}
	return &row[*LimitsItself]{
		Key:   Key{Name: "rate", Type: t, Default: "declared", Doc: "Attempts in time."},
		reset: func(p *LimitsItself) { p.Rate, p.RateDeclared = nil, false },
		read: func(l *loader, e entry, p *LimitsItself) {
			l.found(&p.Rate, e)
			if v := follow(e.value); v.Kind == yaml.ScalarNode && v.Value == "declared" {
				p.RateDeclared = true
				return
			}
			optional(rate).read(l, e.value, &p.Rate)
		},
		write: func(pr *printer, p *LimitsItself) (tree, bool) {
			if p.Rate != nil {
				return rate.write(pr, *p.Rate), true
			}
			return leaf("declared"), p.RateDeclared
		},
	}
}()
