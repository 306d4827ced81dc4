package scenarios

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// scenario fills s from the file's document.
func (l *loader) scenario(root *yaml.Node, s *Scenario, over Profile) {
	if follow(root).Kind != yaml.MappingNode {
		l.fail(root, "expected a scenario as a mapping, got "+kind(follow(root)), `begin with "name: "`)
		return
	}
	list := l.entries(root)
	kept := list[:0]
	own := Profile{}
	for _, e := range list {
		switch name := follow(e.key).Value; {
		case strings.HasPrefix(name, "x-"):
			continue
		case name == "profile" && follow(e.value).Kind == yaml.MappingNode:
			quiet := newLoader(l.file, nil)
			quiet.text, quiet.rows, quiet.checks = l.text, l.rows, l.checks
			readMapping(quiet, e.value, profilePlace, &own)
		}
		kept = append(kept, e)
	}
	effective := own.over(over)
	l.profile = &effective
	for i := range scenarioPlace.rows {
		if reset := scenarioPlace.rows[i].reset; reset != nil {
			reset(s)
		}
	}
	readEntries(l, root, kept, scenarioPlace, s)
	s.Profile = effective
	s.SeedPos = l.spot(&s.Seed)
	s.Identity.Pos = l.spot(&s.Identity)
	s.written = l.written
}

// checkParams checks what a check's parameters are together.
func (l *loader) checkParams(e *Expectation) {
	n := l.spots[e].key
	switch p := e.Params.(type) {
	case *Attempts:
		if p.PerCall == nil && p.Min == nil && p.Max == nil && len(l.errs) == 0 {
			l.fail(n, "check \"attempts\" needs per_call, min or max", "write attempts: {per_call: 3}")
		}
	case *Connections:
		if p.Max == nil && p.Open == nil && p.PerCall == nil && p.AfterStop == nil && len(l.errs) == 0 {
			l.fail(n, "check \"connections\" needs max, open, per_call or after_stop", "write connections: {max: 2}")
		}
	}
}
