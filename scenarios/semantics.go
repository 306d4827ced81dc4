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
	scenarioPlace.reset(s)
	readEntries(l, root, kept, scenarioPlace, s)
	s.Profile = effective
	s.SeedPos = l.spot(&s.Seed)
	s.Server.Pos = l.spot(&s.Server)
	s.Identity.Pos = l.spot(&s.Identity)
	s.written = l.written
	l.references(s)
	if len(l.errs) == 0 {
		l.warnings(s)
	}
}
