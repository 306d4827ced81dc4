package scenarios

import (
	"strings"

	"gopkg.in/yaml.v3"
)

var headersType = Type{Name: "mapping of names to texts", Example: "{X-Request-Id: abc}", Holds: InHeader}

// headers is the codec of response or request fields: name to a text, texts (several fields), or a repeated text.
var headers = &codec[[]Header]{
	kind: headersType,
	read: func(l *loader, n *yaml.Node, v *[]Header) {
		if follow(n).Kind != yaml.MappingNode {
			l.want(n, headersType)
			return
		}
		var list []Header
		for _, e := range l.entries(n) {
			name := follow(e.key).Value
			l.in(name, func() {
				l.headerName(e.key)
				list = append(list, l.header(name, e.value)...)
			})
		}
		*v = list
	},
	write: func(p *printer, v []Header) tree {
		out := tree{kind: treeMap}
		for i := 0; i < len(v); {
			end := i + 1
			for end < len(v) && v[end].Name == v[i].Name {
				end++
			}
			p.in(v[i].Name, func() { out.add(v[i].Name, writeFields(p, v[i:end])) })
			i = end
		}
		return out
	},
}

// header reads the fields of one name.
func (l *loader) header(name string, n *yaml.Node) []Header {
	var list []Header
	switch follow(n).Kind {
	case yaml.SequenceNode:
		l.each(n, func(_ int, item *yaml.Node) {
			if follow(item).Kind == yaml.SequenceNode {
				l.want(item, templateType)
				return
			}
			list = append(list, l.header(name, item)...)
		})
		if len(list) == 0 {
			l.fail(n, "the list is empty", "leave the header out, or write \"\" for an empty value")
		}
		return list
	case yaml.MappingNode:
		h := Header{Name: name}
		readMapping(l, n, repeatPlace, &h)
		return append(list, h)
	}
	h := Header{Name: name}
	if isNull(follow(n)) {
		l.fail(n, "the header has no value", "write \"\" for an empty one")
		return nil
	}
	template.read(l, n, &h.Value)
	if strings.ContainsAny(h.Value.Text, "\r\n\x00") {
		l.fail(n, "a header cannot hold a line break", "")
	}
	return append(list, h)
}

func writeFields(p *printer, v []Header) tree {
	items := make([]tree, len(v))
	for i := range v {
		if v[i].Repeat != "" {
			items[i] = writeMapping(p, repeatPlace, &v[i])
			continue
		}
		items[i] = textLeaf(v[i].Value.Text)
	}
	if len(items) == 1 {
		return items[0]
	}
	return tree{kind: treeList, items: items}
}

var repeatPlace = &place[*Header]{in: InHeader, rows: []*row[*Header]{
	key(Key{Name: "repeat", In: []Place{InHeader}, Required: true, Type: Type{Name: "text", Example: `"9"`},
		Doc: "A text that is repeated until the value is as long as size says."}, repeated, "", func(h *Header) *string { return &h.Repeat }),
	key(Key{Name: "size", In: []Place{InHeader}, Required: true, Type: Type{Name: "size", Example: "4KiB"},
		Doc: "How long the value is."}, size, 0, func(h *Header) *int64 { return &h.Size }),
}}

var repeated = &codec[string]{
	kind: Type{Name: "text"},
	read: func(l *loader, n *yaml.Node, v *string) {
		s, ok := l.scalar(n, Type{Name: "text"})
		switch {
		case !ok:
		case s == "" || strings.ContainsAny(s, "\r\n\x00"):
			l.fail(n, "a text to repeat is not empty and holds no line break", "")
		default:
			*v = s
		}
	},
	write: func(_ *printer, v string) tree { return textLeaf(v) },
}
