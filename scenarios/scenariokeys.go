package scenarios

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var scenarioPlace = func() *place[*Scenario] {
	in := []Place{InScenario}
	rows := []*row[*Scenario]{
		key(Key{Name: "name", In: in, Required: true, Type: Type{Name: "text", Example: "two 503s, then fine"}, Doc: "What reports call it; unique in a run."},
			name, "", func(s *Scenario) *string { return &s.Name }),
		key(Key{Name: "summary", In: in, Doc: "What it is about, in a sentence."},
			anyText, "", func(s *Scenario) *string { return &s.Summary }),
		key(Key{Name: "rules", In: in, Doc: "The rules that it is about, by id."},
			listOf("rule ids", ruleID), nil, func(s *Scenario) *[]string { return &s.Rules }),
		key(Key{Name: "seed", In: in, Default: "1", Doc: "Seeds all chance, delays and random bytes; always printed."},
			seed, 1, func(s *Scenario) *uint64 { return &s.Seed }),
		key(Key{Name: "server", In: in, Doc: "Where the upstream listens, and how."},
			mapping(serverPlace), Server{}, func(s *Scenario) *Server { return &s.Server }),
		key(Key{Name: "profile", In: in, Doc: "What the client declares of itself: values for declared, and for units."},
			mapping(profilePlace), Profile{}, func(s *Scenario) *Profile { return &s.Profile }),
		key(Key{Name: "phases", In: in, Doc: "Named stretches of time, one after another from 0."},
			phases, nil, func(s *Scenario) *[]Phase { return &s.Phases }),
		key(Key{Name: "identity", In: in, Doc: "How calls and clients are told apart."},
			mapping(identityPlace), Identity{Quiet: DefaultQuiet}, func(s *Scenario) *Identity { return &s.Identity }),
		key(Key{Name: "routes", In: in, Default: "every path answers 200 and a small JSON object", Doc: "The healthy upstream; first match wins."},
			routes, nil, func(s *Scenario) *[]Route { return &s.Routes }),
		key(Key{Name: "faults", In: in, Doc: "What a healthy upstream would not do, and when."},
			faults, nil, func(s *Scenario) *[]Fault { return &s.Faults }),
		key(Key{Name: "limits", In: in, Doc: "The upstream's own quotas: the first that is used up refuses the attempt, else all that match count it."},
			limits, nil, func(s *Scenario) *[]Limit { return &s.Limits }),
		key(Key{Name: "deliveries", In: in, Doc: "Webhooks that are sent to a consumer."},
			deliveries, nil, func(s *Scenario) *[]Delivery { return &s.Deliveries }),
		key(Key{Name: "drive", In: in, Doc: "What a client that takes orders is asked to do."},
			drive, nil, func(s *Scenario) *[]Step { return &s.Drive }),
		key(Key{Name: "expect", In: in, Doc: "What the client must show: a list of checks. Without it the file can be served, not run."},
			expectations, nil, func(s *Scenario) *[]Expectation { return &s.Expect }),
	}
	for i := range rows {
		if read := rows[i].read; rows[i].Name == "faults" || rows[i].Name == "limits" {
			rows[i].read = func(l *loader, e entry, s *Scenario) {
				l.vars = append(alwaysVars[:len(alwaysVars):len(alwaysVars)], routeVars(s.Routes...)...)
				read(l, e, s)
				l.vars = nil
			}
		}
	}
	return &place[*Scenario]{in: InScenario, rows: rows}
}()

// DefaultQuiet is how long a print must be quiet before the next attempt of it begins a new call.
const DefaultQuiet = 60 * time.Second

var phasePlace = &place[*Phase]{in: InPhase, example: "{name: outage, for: 30s}", rows: []*row[*Phase]{
	key(Key{Name: "name", In: []Place{InPhase}, Required: true, Type: Type{Name: "text", Example: "outage"}, Doc: "What triggers and checks call it."},
		name, "", func(p *Phase) *string { return &p.Name }),
	phaseLength,
	key(Key{Name: "optional", In: []Place{InAnswer, InFault, InPhase, InDelivery}, Default: "false", Doc: "It need not be reached in a run."},
		boolean, false, func(p *Phase) *bool { return &p.Optional }),
}}

var phaseLength = &row[*Phase]{
	Key: Key{Name: "for", In: []Place{InPhase}, Type: spellType, Doc: "How long it lasts, in time or in attempts; the last may go on without end."},
	read: func(l *loader, e entry, p *Phase) {
		var s spell
		l.spots[&p.For] = e
		spellCodec.read(l, e.value, &s)
		if s.attempts != float64(int(s.attempts)) {
			l.fail(e.value, "a phase lasts a whole number of attempts", "")
		}
		p.For, p.Attempts = s.time, int(s.attempts)
	},
	write: func(pr *printer, p *Phase) (tree, bool) {
		return spellCodec.write(pr, spell{p.For, float64(p.Attempts)}), p.For > 0 || p.Attempts > 0
	},
}

// phases is the codec of the list of phases.
var phases = &codec[[]Phase]{
	kind: Type{Name: "list of phases", Example: "[{name: healthy, for: 10s}, {name: outage}]", Holds: InPhase},
	read: func(l *loader, n *yaml.Node, v *[]Phase) {
		if follow(n).Kind != yaml.SequenceNode {
			l.fail(n, "expected a list of phases, got "+kind(follow(n)), `write each as "- {name: outage, for: 30s}"`)
			return
		}
		items := follow(n).Content
		list := make([]Phase, len(items))
		seen := map[string]bool{}
		l.each(n, func(i int, item *yaml.Node) {
			p := &list[i]
			readMapping(l, item, phasePlace, p)
			p.Pos = l.pos(item)
			if seen[p.Name] && p.Name != "" {
				l.fail(item, "a phase named "+quote(p.Name)+" stands above", "names of phases are unique")
			}
			seen[p.Name] = true
			if l.spots[&p.For].key == nil && i < len(items)-1 && follow(item).Kind == yaml.MappingNode {
				l.fail(item, "the phase has no length, and is not the last", "add for: 30s")
			}
		})
		*v = list
	},
	write: func(p *printer, v []Phase) tree {
		return p.list(len(v), func(i int) tree { return writeMapping(p, phasePlace, &v[i]) })
	},
}

// namedBy is who tells things apart: a word, or "header" with a header's name.
type namedBy struct{ by, header string }

func namedByCodec(other string) *codec[namedBy] {
	t := Type{Name: "name", Words: []string{other, "header NAME"}}
	return &codec[namedBy]{
		kind: t,
		read: func(l *loader, n *yaml.Node, v *namedBy) {
			s, ok := l.scalar(n, t)
			if !ok {
				return
			}
			first, header, _ := strings.Cut(s, " ")
			header = strings.TrimSpace(header)
			switch {
			case s == other:
				*v = namedBy{by: s}
			case first == "header" && token.MatchString(header):
				*v = namedBy{"header", header}
			case first == "header":
				l.fail(n, "header needs a header's name, got "+quote(s), "write header X-Request-Id")
			case token.MatchString(s) && strings.ContainsAny(s, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
				l.fail(n, quote(s)+" is not allowed here", "write header "+s)
			default:
				f := oneOf(s, t.Words)
				l.fail(n, f.msg, f.hint)
			}
		},
		write: func(_ *printer, v namedBy) tree { return textLeaf(strings.TrimSpace(v.by + " " + v.header)) },
	}
}

// namedByRow is the row of a key that sets two fields: the word, and the header's name.
func namedByRow(k Key, other string, at func(*Identity) (by, header *string)) *row[*Identity] {
	c := namedByCodec(other)
	k.In, k.Type = []Place{InIdentity}, c.kind
	return &row[*Identity]{
		Key: k,
		read: func(l *loader, e entry, v *Identity) {
			by, header := at(v)
			var got namedBy
			l.spots[by] = e
			c.read(l, e.value, &got)
			*by, *header = got.by, got.header
		},
		write: func(p *printer, v *Identity) (tree, bool) {
			by, header := at(v)
			return c.write(p, namedBy{*by, *header}), *by != ""
		},
	}
}

var identityPlace = &place[*Identity]{in: InIdentity, example: "{by: path}", rows: []*row[*Identity]{
	namedByRow(Key{Name: "by", Doc: "What names a call, before the prefix that Brownout puts into the URL, and the request's print."}, "path",
		func(i *Identity) (*string, *string) { return &i.By, &i.Header }),
	key(Key{Name: "quiet", In: []Place{InIdentity}, Default: "60s", Doc: "After so long without an attempt the same request begins a new call."},
		positiveDuration, DefaultQuiet, func(i *Identity) *time.Duration { return &i.Quiet }),
	namedByRow(Key{Name: "client", Doc: "What names a client; else the driver says, else Authorization, else the address."}, "ip",
		func(i *Identity) (*string, *string) { return &i.ClientBy, &i.ClientHeader }),
}}
