package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 64

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// bodyRows are the keys that say what a body is; one of them stands in a mapping.
func bodyRows[P any](at func(P) *Body, in ...Place) []*row[P] {
	others := func(name string) (rest []string) {
		for _, other := range []string{"json", "text", "size", "file"} {
			if other != name {
				rest = append(rest, other)
			}
		}
		return rest
	}
	return []*row[P]{
		bodyRow(Key{Name: "json", In: in, Without: others("json"), Doc: "The body as JSON; texts in it are templates."},
			BodyJSON, jsonBody, at),
		bodyRow(Key{Name: "text", In: in, Without: others("text"), Doc: "The body as text, a template."},
			BodyText, textBody, at),
		bodyRow(Key{Name: "size", In: in, Without: others("size"), Type: size.kind, Doc: "A body of so many bytes, drawn from the seed."},
			BodySize, sizeBody, at),
	}
}

// fileRow is the key of a body that is a file's content; only answers have it.
func fileRow[P any](at func(P) *Body, in ...Place) *row[P] {
	return bodyRow(Key{Name: "file", In: in, Without: []string{"json", "text", "size"}, Doc: "The body is the content of a file beside the scenario."},
		BodyFile, fileBody, at)
}

func bodyRow[P any](k Key, kind BodyKind, c *codec[Body], at func(P) *Body) *row[P] {
	r := key(k, c, Body{}, at)
	r.write = func(p *printer, t P) (tree, bool) {
		if at(t).Kind != kind {
			return tree{}, false
		}
		return c.write(p, *at(t)), true
	}
	return r
}

var textBody = &codec[Body]{
	kind: templateType,
	read: func(l *loader, n *yaml.Node, v *Body) {
		v.Kind = BodyText
		template.read(l, n, &v.Text)
	},
	write: func(p *printer, v Body) tree { return template.write(p, v.Text) },
}

var sizeBody = &codec[Body]{
	kind: size.kind,
	read: func(l *loader, n *yaml.Node, v *Body) {
		v.Kind = BodySize
		size.read(l, n, &v.Size)
	},
	write: func(p *printer, v Body) tree { return size.write(p, v.Size) },
}

// maxBodyFile bounds the files that bodies are read from.
const maxBodyFile = 64 << 20

var fileType = Type{Name: "path of a file beside the scenario", Example: "answer.json"}

var fileBody = &codec[Body]{
	kind: fileType,
	read: func(l *loader, n *yaml.Node, v *Body) {
		s, ok := l.scalar(n, fileType)
		switch {
		case !ok:
			return
		case !filepath.IsLocal(s):
			l.fail(n, "the file "+quote(s)+" does not lie beside the scenario", "write a path below the scenario's folder, such as answer.json")
			return
		}
		data, err := readFile(filepath.Join(filepath.Dir(l.file), filepath.FromSlash(s)))
		if err != nil {
			l.fail(n, "the file "+quote(s)+" cannot be read: "+err.Error(), "the path is relative to the scenario's folder")
			return
		}
		*v = Body{Kind: BodyFile, File: s, Data: data}
	},
	write: func(_ *printer, v Body) tree { return textLeaf(v.File) },
}

// readFile reads a regular file of at most maxBodyFile bytes. Its error names no path.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is none")
	case err != nil:
		return nil, errors.New("it cannot be looked at")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no file")
	case info.Size() > maxBodyFile:
		return nil, errors.New("it is larger than " + showSize(maxBodyFile))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("it may not be read")
	}
	return data, nil
}

var jsonBody = &codec[Body]{
	kind: Type{Name: "JSON value", Example: `{id: "pay_{call}"}`},
	read: func(l *loader, n *yaml.Node, v *Body) {
		w := jsonWriter{l: l}
		before := len(l.errs)
		w.value(n, 0)
		if len(l.errs) > before {
			return
		}
		w.flush()
		*v = Body{Kind: BodyJSON, Text: Template{Text: w.text.String(), Parts: w.parts, JSON: true}}
	},
	write: func(_ *printer, v Body) tree {
		d := json.NewDecoder(strings.NewReader(v.Text.Text))
		d.UseNumber()
		t, err := jsonTree(d)
		if err != nil {
			return textLeaf(v.Text.Text)
		}
		return t
	},
}

// jsonWriter writes the YAML values of a json key as compact JSON, with the variables of its texts as parts.
type jsonWriter struct {
	l       *loader
	text    strings.Builder // as written: {{ and variables as they stand
	literal strings.Builder // of the part that is being written
	parts   []Part
}

func (w *jsonWriter) raw(s string) {
	w.text.WriteString(s)
	w.literal.WriteString(s)
}

func (w *jsonWriter) flush() {
	if w.literal.Len() > 0 {
		w.parts = append(w.parts, Part{Literal: w.literal.String()})
		w.literal.Reset()
	}
}

func (w *jsonWriter) value(n *yaml.Node, depth int) {
	if w.l.full() {
		return
	}
	if depth > maxDepth {
		w.l.fail(n, fmt.Sprintf("JSON is nested deeper than %d levels", maxDepth), "")
		return
	}
	switch v := follow(n); v.Kind {
	case yaml.MappingNode:
		w.raw("{")
		for i, e := range w.l.entries(n) {
			if i > 0 {
				w.raw(",")
			}
			w.string(e.key, follow(e.key).Value)
			w.raw(":")
			w.l.in(follow(e.key).Value, func() { w.value(e.value, depth+1) })
		}
		w.raw("}")
	case yaml.SequenceNode:
		w.raw("[")
		w.l.each(n, func(i int, item *yaml.Node) {
			if i > 0 {
				w.raw(",")
			}
			w.value(item, depth+1)
		})
		w.raw("]")
	default:
		w.scalar(n, v)
	}
}

// scalar writes a single value by what YAML takes it for.
func (w *jsonWriter) scalar(n, v *yaml.Node) {
	switch v.Tag {
	case "!!null":
		w.raw("null")
	case "!!bool":
		w.raw(strings.ToLower(v.Value))
	case "!!int", "!!float":
		if !jsonNumber.MatchString(v.Value) {
			w.badNumber(n, v.Value)
			return
		}
		w.raw(v.Value)
	default:
		w.string(n, v.Value)
	}
}

// badNumber reports a number that JSON would not read as YAML does.
func (w *jsonWriter) badNumber(n *yaml.Node, s string) {
	msg, hint := quote(s)+" is no number of JSON", ""
	if _, f := whole(s, "a number", 0, 1<<53); f != nil && digits.MatchString(s) {
		msg, hint = f.msg, f.hint+", or "
	} else if i, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, 64); err == nil {
		hint = fmt.Sprintf("write %d, or ", i)
	} else if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		hint = "write " + number(f) + ", or "
	}
	w.l.fail(n, msg, hint+"quote it: "+doubleQuoted(s))
}

// string writes a text, whose variables become parts.
func (w *jsonWriter) string(n *yaml.Node, s string) {
	parts, f := splitTemplate(s)
	if f != nil {
		w.l.fail(n, f.msg, f.hint)
		return
	}
	if !w.l.knownVars(n, parts) {
		return
	}
	w.raw(`"`)
	w.text.Write(appendJSONContent(nil, s))
	for _, p := range parts {
		if p.Var == "" {
			w.literal.Write(appendJSONContent(nil, p.Literal))
			continue
		}
		w.flush()
		w.parts = append(w.parts, p)
	}
	w.raw(`"`)
}

// jsonTree reads the next JSON value of d as a tree to print.
func jsonTree(d *json.Decoder) (tree, error) {
	t, err := d.Token()
	if err != nil {
		return tree{}, err
	}
	switch v := t.(type) {
	case json.Delim:
		return jsonContainer(d, v)
	case string:
		return textLeaf(v), nil
	case nil:
		return leaf("null"), nil
	}
	return leaf(fmt.Sprint(t)), nil
}

func jsonContainer(d *json.Decoder, open json.Delim) (tree, error) {
	out := tree{kind: treeList}
	if open == '{' {
		out.kind = treeMap
	}
	for d.More() {
		name := ""
		if out.kind == treeMap {
			k, err := d.Token()
			if err != nil {
				return tree{}, err
			}
			name = fmt.Sprint(k)
		}
		value, err := jsonTree(d)
		if err != nil {
			return tree{}, err
		}
		if out.kind == treeMap {
			out.names = append(out.names, name)
		}
		out.items = append(out.items, value)
	}
	_, err := d.Token()
	return out, err
}

// DefaultBody is the body of an answer that names none: a small JSON object that tells the status.
func DefaultBody(status int) string {
	return fmt.Sprintf("{\"status\":%d,\"message\":%q}\n", status, http.StatusText(status))
}
