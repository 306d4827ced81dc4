package report

import (
	"fmt"
	"io"
	"strings"

	"brownout/scenarios"
)

// CheckInfo is what there is to say about a check.
type CheckInfo struct {
	scenarios.Check
	Why       string           // sources in short; ""
	Rules     []scenarios.Rule // that it serves
	Scenarios []string         // built-in scenarios that expect it
}

// CheckPage writes what a check demands, how it is written, why, who says so, and how a client meets it. The error is the
// writer's.
func CheckPage(w io.Writer, c *CheckInfo, s Style) error {
	x := &explainer{Style: s}
	x.add(x.paint(bold, c.Name))
	if c.Unbuilt {
		x.wrapped("  ", "This version does not judge it yet.")
	} else {
		x.wrapped("  ", "Passes when: "+c.Doc)
		x.limits(c)
		x.written(c)
		x.sources(c)
		x.list("How to meet it", advice[c.Name])
		x.played(c)
	}
	_, err := io.WriteString(w, strings.Join(x.lines, "\n")+"\n")
	return err
}

func (x *explainer) limits(c *CheckInfo) {
	if c.Sample > 1 {
		x.wrapped("  ", fmt.Sprintf("It is a statistic: with fewer than %d %s it is skipped.", c.Sample, c.SampleOf))
	}
	if c.Results {
		x.wrapped("  ", "It needs what the client says of each call, so the client has to take orders; else it is skipped.")
	}
	if c.Identity {
		x.wrapped("  ", "It judges call by call: where calls cannot be told apart it is inconclusive.")
	}
}

// written shows how the check stands in a scenario.
func (x *explainer) written(c *CheckInfo) {
	x.add("", x.paint(bold, "In a scenario"), "  expect:")
	if len(c.Params) == 0 {
		x.add("    - " + c.Name)
		return
	}
	x.add("    - " + exampleOf(c))
	rows := [][]string{{"key", "is", "unless given", "says"}}
	for _, k := range c.Params {
		def := k.Default
		if def == "" {
			def = "none"
		}
		if k.Required {
			def = "required"
		}
		rows = append(rows, []string{k.Name, k.Type.String(), def, k.Doc})
	}
	x.add("")
	x.grid("  ", rows)
}

// exampleOf writes the check with its first parameter, and with those that it requires.
func exampleOf(c *CheckInfo) string {
	var params []string
	for i, k := range c.Params {
		value := k.Type.Example
		if value == "" && len(k.Type.Words) > 0 {
			value = k.Type.Words[0]
		}
		if value != "" && (i == 0 || k.Required) {
			params = append(params, k.Name+": "+value)
		}
	}
	if len(params) == 0 {
		return c.Name
	}
	return c.Name + ": {" + strings.Join(params, ", ") + "}"
}

// sources names the rules that the check serves, with who says so.
func (x *explainer) sources(c *CheckInfo) {
	if len(c.Rules)+len(c.Why) == 0 {
		return
	}
	x.add("", x.paint(bold, "Why it matters"))
	if c.Why != "" {
		x.wrapped("  ", strings.TrimSuffix(c.Why, ".")+".")
	}
	if len(c.Rules) == 0 {
		return
	}
	rows := [][]string{{"rule", "level", "says"}}
	for _, r := range c.Rules {
		rows = append(rows, []string{r.ID, r.Level, r.Text + " (" + r.Source + ")"})
	}
	x.grid("  ", rows)
}

func (x *explainer) played(c *CheckInfo) {
	if len(c.Scenarios) == 0 {
		return
	}
	x.add("", x.paint(bold, "Try it"))
	for _, name := range c.Scenarios[:min(len(c.Scenarios), 4)] {
		client := "CLIENT {url}"
		if s, err := scenarios.Builtin(name); err == nil && len(s.Deliveries) > 0 {
			client = "CONSUMER {port}"
		}
		x.add("  " + x.text("brownout run "+name+" -- "+client))
	}
}
