package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

const byteOrderMark = "\ufeff"

// document returns the file's one document, or nil after reporting why there is none.
func (l *loader) document(src []byte) *yaml.Node {
	if len(src) > MaxFile {
		l.text = newText("")
		l.report(Pos{Line: 1, Column: 1}, fmt.Sprintf("the file is larger than %s", showSize(MaxFile)), "a scenario file holds one scenario; leave bodies to size: 64KiB", false)
		return nil
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader([]byte(strings.Join(l.text.lines, "\n"))))
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			l.report(Pos{Line: 1, Column: 1}, "the file is empty", "", false)
		} else {
			l.report(Pos{Line: 1, Column: 1}, err.Error(), "", false)
		}
		return nil
	}
	return doc.Content[0]
}
