package scenarios

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// alwaysVars are the template variables that every answer knows.
var alwaysVars = []string{"call", "attempt", "nth", "key", "seed"}

var templateType = Type{Name: "text", Example: `"pay_{call}"`}

// template is the codec of a text with variables.
var template = &codec[Template]{
	kind: templateType,
	read: func(l *loader, n *yaml.Node, v *Template) {
		if follow(n).Kind == yaml.MappingNode && follow(n).Style&yaml.FlowStyle != 0 {
			l.fail(n, "expected a text, got a mapping, for a bare brace begins one", `quote the text: "{call}"`)
			return
		}
		if s, ok := l.scalar(n, Type{Name: "text"}); ok {
			l.template(n, s, v)
		}
	},
	write: func(_ *printer, v Template) tree { return textLeaf(v.Text) },
}

// template reads the variables of a text.
func (l *loader) template(n *yaml.Node, s string, v *Template) {
	parts, f := splitTemplate(s)
	if f != nil {
		l.fail(n, f.msg, f.hint)
		return
	}
	if !l.knownVars(n, parts) {
		return
	}
	*v = Template{Text: s, Parts: parts}
}

// knownVars reports the first variable that nothing gives a value.
func (l *loader) knownVars(n *yaml.Node, parts []Part) bool {
	for _, p := range parts {
		if p.Var == "" || slices.Contains(l.vars, p.Var) {
			continue
		}
		hint := "{{ is a brace"
		if len(l.vars) > 0 {
			hint = "one of " + join(l.vars) + "; " + hint
		}
		if near := Suggest(p.Var, l.vars); near != "" {
			hint = "did you mean {" + near + "}?"
		}
		l.fail(n, "nothing gives {"+p.Var+"} a value here", hint)
		return false
	}
	return true
}

// splitTemplate splits a text into literals and variables.
func splitTemplate(s string) ([]Part, *flaw) {
	var parts []Part
	var literal strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "{{"), strings.HasPrefix(s[i:], "}}"):
			literal.WriteByte(s[i])
			i++
		case s[i] == '{':
			name, _, closed := strings.Cut(s[i+1:], "}")
			if !closed || !variable.MatchString(name) {
				return nil, &flaw{"a brace begins a variable, and " + quote(s[i:]) + " is none", "write {{ for a brace, {call} for a variable"}
			}
			if literal.Len() > 0 {
				parts = append(parts, Part{Literal: literal.String()})
				literal.Reset()
			}
			parts = append(parts, Part{Var: name})
			i += len(name) + 1
		default:
			literal.WriteByte(s[i])
		}
	}
	if literal.Len() > 0 {
		parts = append(parts, Part{Literal: literal.String()})
	}
	return parts, nil
}
