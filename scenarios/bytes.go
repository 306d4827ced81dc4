package scenarios

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const byteOrderMark = "\ufeff"

// characters reports what a scenario file cannot hold whatever its meaning: too many bytes, what is no UTF-8, control
// characters, and what some programs take for a line break and others do not. It reports whether the file can be parsed.
func (l *loader) characters(src []byte) bool {
	if len(src) > MaxFile {
		l.report(Pos{Line: 1, Column: 1}, "the file is larger than "+showSize(MaxFile), "a scenario needs no more; make large bodies with size: 64KiB", false)
		return false
	}
	if bytes.HasPrefix(src, []byte{0xFF, 0xFE}) || bytes.HasPrefix(src, []byte{0xFE, 0xFF}) {
		l.report(Pos{Line: 1, Column: 1}, "the file is UTF-16", "save it as UTF-8", false)
		return false
	}
	before := len(l.errs)
	for i, line := range l.text.lines {
		if l.full() {
			break
		}
		l.lineCharacters(i+1, line)
	}
	return len(l.errs) == before
}

// lineCharacters reports the first character of a line that a scenario file cannot hold.
func (l *loader) lineCharacters(n int, line string) {
	column := 0
	for i, r := range line {
		column++
		at := Pos{Line: n, Column: column, End: column + 1}
		switch {
		case r == utf8.RuneError && isBroken(line[i:]):
			l.report(at, fmt.Sprintf("the byte 0x%02X is no UTF-8", line[i]), "save the file as UTF-8", false)
		case r == '\r':
			l.report(at, "a carriage return without a line feed", "end lines with a line feed, or with both", false)
		case r == 0x85 || r == 0x2028 || r == 0x2029:
			l.report(at, fmt.Sprintf("U+%04X ends a line for some programs and not for others", r), fmt.Sprintf(`write "\u%04x" in double quotes`, r), false)
		case r != '\t' && r < 0x20, r >= 0x7F && r < 0xA0, r == 0xFEFF, r == 0xFFFE, r == 0xFFFF:
			l.report(at, fmt.Sprintf("U+%04X is a control character", r), fmt.Sprintf(`write "\u%04x" in double quotes`, r), false)
		default:
			continue
		}
		return
	}
}

// isBroken reports whether s begins with what is no UTF-8, rather than with a written U+FFFD.
func isBroken(s string) bool { return !strings.HasPrefix(s, "\ufffd") }
